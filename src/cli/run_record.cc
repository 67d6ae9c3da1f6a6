#include "cli/run_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/enum_names.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

const EnumNames<StopReason> stop_reason_names = {{"finished", StopReason::finished},
                                                 {"stopped", StopReason::stopped},
                                                 {"diverged", StopReason::diverged},
                                                 {"failed", StopReason::failed}};

std::string path_in(const std::string& folder, const char* name) { return (fs::path(folder) / name).string(); }

void warn(const std::string& what) { log_message("warning   " + what); }

void warn_of_loss(const std::string& what) { warn(what + "; training goes on without"); }

/// Removes old event files: TensorBoard would show them together with the new ones.
void remove_event_files(const std::string& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    if (entry->path().filename().string().starts_with(event_file_prefix)) fs::remove(entry->path(), ignored);
  }
}

}  // namespace

RunRecord::RunRecord(const std::string& folder)
    : folder_(folder), log_(path_in(folder, log_name), warn_of_loss), curve_(path_in(folder, "curve.svg"), warn) {
  run_.name = folder;
}

RunRecord::~RunRecord() {
  if (running_) stop(StopReason::failed, epoch_, run_.history.update);
}

void RunRecord::start(const Json& fields) {
  log_.start_over();
  remove_event_files(folder_);
  std::error_code ignored;
  fs::remove(path_in(folder_, "curve.svg"), ignored);
  events_.emplace(folder_, 0, warn_of_loss);
  append("start", fields);
  running_ = true;
}

void RunRecord::resume(std::int64_t epoch, std::int64_t update, bool again, std::int64_t epochs, double learning_rate) {
  if (again) {
    log_.truncate_after(update, {"report", "validation", "sample"});
  } else {
    log_.truncate_after(update);
  }
  try {
    run_.history = read_run_history(folder_);
  } catch (const Error& error) {
    warn(error.what());
  }
  events_.emplace(folder_, again ? update - 1 : update, warn_of_loss);
  append("resume", {{"epoch", epoch}, {"step", update}, {"epochs", epochs}, {"learning_rate", learning_rate}});
  epoch_ = epoch;
  running_ = true;
}

bool RunRecord::due(bool epoch_ends) const {
  constexpr double between_epochs = 0.1, within_epoch = 10, max_reports = 10'000;
  const double now = monotonic_seconds();
  return now - last_report_ >= std::max(epoch_ends ? between_epochs : within_epoch, (now - began_) / max_reports);
}

void RunRecord::report(const TrainingStatus& s) {
  append("report", {{"epoch", s.epoch},
                    {"step", s.update},
                    {"loss", s.loss},
                    {"perplexity", s.perplexity},
                    {"gradient_norm", s.gradient_norm},
                    {"learning_rate", s.learning_rate},
                    {"symbols_per_second", s.symbols_per_second},
                    {"seconds", s.seconds}});
  scalars(s.update, {{"train/loss", s.loss},
                     {"train/perplexity", s.perplexity},
                     {"train/gradient_norm", s.gradient_norm},
                     {"train/learning_rate", s.learning_rate}});
  epoch_ = s.epoch;
  last_report_ = monotonic_seconds();
  curve_.offer(run_);
}

void RunRecord::validation(const ValidationResult& r) {
  const double perplexity = std::exp(r.loss);
  append("validation", {{"epoch", r.epoch},
                        {"step", r.update},
                        {"loss", r.loss},
                        {"perplexity", perplexity},
                        {"bits_per_symbol", r.bits_per_symbol},
                        {"bits_per_byte", r.bits_per_byte},
                        {"best", r.best}});
  scalars(r.update, {{"validation/loss", r.loss}, {"validation/perplexity", perplexity}});
}

void RunRecord::sample(std::int64_t epoch, std::int64_t update, const std::string& prefix, const std::string& text) {
  append("sample", {{"epoch", epoch}, {"step", update}, {"prefix", prefix}, {"text", text}});
}

void RunRecord::rollback(std::int64_t epoch, std::int64_t update, bool again, const std::string& what,
                         double learning_rate, int attempt) {
  append("rollback",
         {{"epoch", epoch}, {"step", update}, {"what", what}, {"learning_rate", learning_rate}, {"attempt", attempt}});
  // A new file that starts after `update` makes TensorBoard discard the later steps of the old one.
  events_.emplace(folder_, again ? update - 1 : update, warn_of_loss);
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
  running_ = false;
  append("stop", {{"reason", name_of(stop_reason_names, reason)}, {"epoch", epoch}, {"step", update}});
  curve_.finish(run_);
}

void RunRecord::append(const char* event, const Json& fields) { run_.history.add(log_.append(event, fields)); }

void RunRecord::scalars(std::int64_t update, std::initializer_list<std::pair<const char*, double>> values) {
  if (!events_) return;
  const double now = seconds_since_1970();
  for (const auto& [tag, value] : values) events_->scalar(tag, update, now, value);
  events_->flush();
}

}  // namespace unroll::cli
