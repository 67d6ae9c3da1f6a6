#include "run/run_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "run/add_event.h"
#include "unroll/error.h"

namespace unroll {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const char* name_of(StopReason reason) {
  switch (reason) {
    case StopReason::finished:
      return "finished";
    case StopReason::stopped:
      return "stopped";
    case StopReason::diverged:
      return "diverged";
    case StopReason::failed:
      break;
  }
  return "failed";
}

std::string path_in(const std::string& folder, const char* name) { return (fs::path(folder) / name).string(); }

/// Removes old event files: TensorBoard would show them together with the new ones.
void remove_event_files(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().filename().string().starts_with(event_file_prefix)) fs::remove(entry->path(), ignored);
  }
}

}  // namespace

RunRecord::RunRecord(const std::string& folder, Warn warn)
    : folder_(folder),
      warn_(std::move(warn)),
      warn_of_loss_([this](const std::string& what) { warn_(what + "; training goes on without"); }),
      log_(path_in(folder, log_name), warn_of_loss_) {}

void RunRecord::start(const Json& fields) {
  log_.start_over();
  remove_event_files(folder_);
  events_.emplace(folder_, 0, warn_of_loss_);
  append("start", fields);
}

void RunRecord::resume(std::int64_t epoch, std::int64_t update, bool again, std::int64_t epochs, double learning_rate) {
  if (again) {
    log_.truncate_after(update, {"report", "validation", "sample"});
  } else {
    log_.truncate_after(update);
  }
  try {
    history_ = read_run_history(folder_);
  } catch (const Error& error) {
    warn_(error.what());
  }
  events_.emplace(folder_, again ? update - 1 : update, warn_of_loss_);
  append("resume", {{"epoch", epoch}, {"step", update}, {"epochs", epochs}, {"learning_rate", learning_rate}});
}

bool RunRecord::due(bool epoch_ends) const {
  constexpr double between_epochs = 0.1, within_epoch = 10, max_reports = 10'000;
  const double now = monotonic_seconds();
  return now - last_report_ >= std::max(epoch_ends ? between_epochs : within_epoch, (now - began_) / max_reports);
}

void RunRecord::report(const RunStatus& s, const std::vector<Metric>& metrics) {
  Json fields = {{"epoch", s.epoch}, {"step", s.update}, {"loss", s.loss}};
  for (const Metric& metric : metrics) fields[metric.name] = metric.value;
  fields["gradient_norm"] = s.gradient_norm;
  fields["learning_rate"] = s.learning_rate;
  fields["symbols_per_second"] = s.symbols_per_second;
  fields["seconds"] = s.seconds;
  append("report", fields);
  std::vector<Metric> values = {{"train/loss", s.loss}};
  for (const Metric& metric : metrics) values.push_back({"train/" + metric.name, metric.value});
  values.push_back({"train/gradient_norm", s.gradient_norm});
  values.push_back({"train/learning_rate", s.learning_rate});
  scalars(s.update, values);
  last_report_ = monotonic_seconds();
}

void RunRecord::validation(const ValidationReport& r, const std::vector<Metric>& metrics) {
  Json fields = {{"epoch", r.epoch}, {"step", r.update}, {"loss", r.loss}};
  std::vector<Metric> values = {{"validation/loss", r.loss}};
  for (const Metric& metric : metrics) {
    fields[metric.name] = metric.value;
    values.push_back({"validation/" + metric.name, metric.value});
  }
  fields["best"] = r.best;
  append("validation", fields);
  scalars(r.update, values);
}

void RunRecord::rollback(const Rollback& rollback, std::int64_t epoch, bool again) {
  append("rollback", {{"epoch", epoch},
                      {"step", rollback.update},
                      {"what", rollback.cause},
                      {"learning_rate", rollback.learning_rate},
                      {"attempt", rollback.attempt}});
  // A new file that starts after `update` makes TensorBoard discard the later steps of the old one.
  events_.emplace(folder_, again ? rollback.update - 1 : rollback.update, warn_of_loss_);
}

void RunRecord::checkpoint(std::int64_t epoch, std::int64_t update, double seconds) {
  constexpr double between = 0.1;
  const double now = monotonic_seconds();
  if (now - last_checkpoint_ < between) return;
  last_checkpoint_ = now;
  append("checkpoint", {{"epoch", epoch}, {"step", update}, {"seconds", seconds}});
}

void RunRecord::rank(std::int64_t epoch, std::int64_t update, int rank, const std::string& host,
                     const RankTiming& pace) {
  append("rank", {{"epoch", epoch},
                  {"step", update},
                  {"rank", rank},
                  {"host", host},
                  {"working", pace.working},
                  {"waiting", pace.waiting},
                  {"exchanging", pace.exchanging},
                  {"symbols_per_second", static_cast<double>(pace.symbols) / pace.working}});
}

void RunRecord::stop(StopReason reason, std::int64_t epoch, std::int64_t update) {
  append("stop", {{"reason", name_of(reason)}, {"epoch", epoch}, {"step", update}});
}

void RunRecord::append(std::string_view event, const Json& fields) { add_event(history_, log_.append(event, fields)); }

void RunRecord::scalars(std::int64_t update, const std::vector<Metric>& values) {
  if (!events_) return;
  const double now = seconds_since_1970();
  for (const auto& [tag, value] : values) events_->scalar(tag, update, now, value);
  events_->flush();
}

}  // namespace unroll
