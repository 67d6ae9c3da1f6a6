#include "cli/kept_settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "unroll/error.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

// Of the process, not of the training.
constexpr std::array<std::string_view, 6> never_kept = {"out",    "overwrite",     "init-from",
                                                        "resume", "extend-epochs", "json"};

// What does not change what was trained so far, and says how to go on.
constexpr std::array<std::string_view, 14> may_change = {
    "FILE",         "threads", "lr",     "patience",      "checkpoint-every", "keep", "max-rollbacks",
    "report-every", "prefix",  "resume", "sample-length", "extend-epochs",    "json", "validation"};

template <class List>
bool contains(const List& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string absolute(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(path, ignored);
  return ignored ? path : whole.string();
}

std::string text_of(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ", ")); }

}  // namespace

GivenSettings settings_to_keep(const TrainOptions& o, const GivenSettings& given) {
  GivenSettings kept;
  for (const auto& [name, values] : given) {
    if (!contains(never_kept, name)) kept[name] = values;
  }
  kept["FILE"] = {o.file == "-" ? o.file : absolute(o.file)};
  std::error_code ignored;
  if (std::filesystem::exists(o.validation, ignored)) kept["validation"] = {absolute(o.validation)};
  kept["epochs"] = {std::to_string(*o.epochs)};
  if (o.optimizer.schedule == ScheduleKind::step) kept["lr-decay-every"] = {std::to_string(*o.optimizer.decay_every)};
  if (o.checkpoint_every->updates > 0) kept["checkpoint-every"] = {std::to_string(o.checkpoint_every->updates)};
  return kept;
}

std::string settings_json(const GivenSettings& settings) { return Json(settings).dump(); }

GivenSettings settings_from_json(const std::string& json, const std::string& place) {
  try {
    return Json::parse(json).get<GivenSettings>();
  } catch (const nlohmann::json::exception&) {
    throw Error(ExitCode::bad_data, fmt::format("{}: its settings are not readable", place));
  }
}

GivenSettings settings_to_go_on(const GivenSettings& kept, const GivenSettings& given, const std::string& run) {
  TrainOptions defaults;
  const std::vector<SettingGroup> groups = settings_of(defaults);
  GivenSettings result = kept;
  for (const auto& [name, values] : given) {
    if (contains(may_change, name)) {
      result[name] = values;
      continue;
    }
    const auto found = kept.find(name);
    const std::vector<std::string> before =
        found != kept.end() ? found->second : std::vector<std::string>{find_setting(groups, name)->initial};
    if (values == before) continue;
    const std::string was =
        before.front().empty() ? std::string("without it") : fmt::format("with {}", text_of(before));
    throw Error(
        fmt::format("--{} {}: {} was begun {}; leave the flag out to go on, or begin a new run, as with "
                    "--init-from {}",
                    name, text_of(values), run, was, run));
  }
  return result;
}

}  // namespace unroll::cli
