#include "unroll/run_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/directory_lock.h"
#include "io/run_log.h"
#include "run/add_event.h"
#include "unroll/error.h"

namespace unroll {

namespace {

using Json = nlohmann::ordered_json;

std::optional<std::int64_t> whole_number_in(const Json& event, const char* key) {
  const auto found = event.find(key);
  if (found == event.end() || !found->is_number_integer()) return std::nullopt;
  return found->get<std::int64_t>();
}

std::string text_in(const Json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_string() ? found->get<std::string>() : "";
}

double number_field(const Json& event, const char* key) {
  const auto found = event.find(key);
  return found != event.end() && found->is_number() ? found->get<double>() : std::nan("");
}

void add_point(std::vector<CurvePoint>& curve, const Json& event) {
  const auto update = whole_number_in(event, "step");
  if (!update) return;
  if (!curve.empty() && curve.back().update == *update) curve.pop_back();  // reported again after a rollback
  curve.push_back({*update, number_field(event, "perplexity")});
}

void truncate_after(std::vector<CurvePoint>& curve, std::int64_t update) {
  std::erase_if(curve, [update](const CurvePoint& point) { return point.update > update; });
}

RunHistory from_start(const Json& event) {
  RunHistory history;
  history.cell = text_in(event, "cell");
  history.hidden = whole_number_in(event, "hidden").value_or(0);
  history.layers = whole_number_in(event, "layers").value_or(0);
  history.parameters = whole_number_in(event, "parameters").value_or(0);
  history.epochs = whole_number_in(event, "epochs").value_or(0);
  history.vocabulary = whole_number_in(event, "vocabulary").value_or(0);
  history.steps_per_epoch = std::max<std::int64_t>(0, whole_number_in(event, "steps_per_epoch").value_or(0));
  if (const auto folds = whole_number_in(event, "folds"); folds && *folds > 0)
    history.table = {text_in(event, "model"), text_in(event, "metric"), *folds, {}};
  return history;
}

}  // namespace

void add_event(RunHistory& history, const Json& event) {
  const std::string kind = text_in(event, "event");
  if (kind == "start") history = from_start(event);
  history.changed = text_in(event, "time");
  history.stop_reason = kind == "stop" ? text_in(event, "reason") : "";
  // The event of a checkpoint may follow events of later updates.
  if (const auto at = whole_number_in(event, "step"); at && kind != "checkpoint") history.update = *at;
  if (kind == "report") add_point(history.training, event);
  if (kind == "validation") add_point(history.validation, event);
  if (kind == "fold" && history.table) history.table->validation.push_back(number_field(event, "validation"));
  if (kind == "rollback") {
    ++history.rollbacks;
    history.divergence = text_in(event, "what");
  }
  if (kind == "resume" || kind == "rollback") {
    truncate_after(history.training, history.update);
    truncate_after(history.validation, history.update);
    history.epochs = whole_number_in(event, "epochs").value_or(history.epochs);
  }
}

double RunHistory::epochs_at(std::int64_t updates) const {
  return steps_per_epoch > 0 ? static_cast<double>(updates) / static_cast<double>(steps_per_epoch) : 0;
}

std::optional<double> RunHistory::best() const {
  std::optional<double> lowest;
  const auto consider = [&](const CurvePoint& point) {
    if (std::isfinite(point.perplexity)) lowest = std::min(lowest.value_or(point.perplexity), point.perplexity);
  };
  std::for_each(validation.begin(), validation.end(), consider);
  if (!validation.empty()) return lowest;
  for (const CurvePoint& point : training) {
    if (steps_per_epoch > 0 && point.update % steps_per_epoch == 0) consider(point);
  }
  return lowest;
}

bool RunHistory::has_exploded() const {
  constexpr double factor = 1.5;  // as in the detection of a divergence
  if (training.empty()) return false;
  const double loss = std::log(training.back().perplexity);
  return !std::isfinite(loss) || (vocabulary > 1 && loss > factor * std::log(static_cast<double>(vocabulary)));
}

bool is_running(const std::string& folder) { return is_locked(folder); }

RunHistory read_run_history(const std::string& folder) {
  const std::string path = (std::filesystem::path(folder) / log_name).string();
  RunHistory history;
  const LogDamage damage = read_run_log(path, [&](const Json& event) { add_event(history, event); });
  if (damage.first_line > 0) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: line {} is no event of a training run; remove the line", path, damage.first_line));
  }
  if (history.steps_per_epoch == 0 && !history.table) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: does not say how a training began: it has no whole start line", path));
  }
  return history;
}

}  // namespace unroll
