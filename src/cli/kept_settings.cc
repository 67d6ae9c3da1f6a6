#include "cli/kept_settings.h"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "cli/enum_names.h"
#include "cli/training_texts.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

// Settings of the process rather than of the training.
constexpr std::array<std::string_view, 6> never_kept = {"out",    "overwrite",     "init-from",
                                                        "resume", "extend-epochs", "json"};

// Settings that can be changed on resume: they do not affect the updates made so far.
constexpr std::array<std::string_view, 16> may_change = {
    "FILE",          "threads",      "lr",           "patience",       "checkpoint-every", "keep",
    "max-rollbacks", "report-every", "prefix",       "resume",         "sample-length",    "extend-epochs",
    "json",          "validation",   "rank-timeout", "gradient-slices"};

template <class List>
bool contains(const List& list, const std::string& name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

std::string absolute(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(path, ignored);
  return ignored ? path : whole.string();
}

/// A JSON string, or a list of bytes if the text is not UTF-8, as a file name may be.
Json json_of(const std::string& text) {
  if (utf8::is_valid(text.begin(), text.end())) return text;
  Json bytes = Json::array();
  for (const char byte : text) bytes.push_back(static_cast<unsigned char>(byte));
  return bytes;
}

std::string text_in(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  std::string text;
  for (const Json& byte : json) text += static_cast<char>(byte.get<unsigned char>());
  return text;
}

/// True for equal texts and for equal numbers, such as "1" and "1.0".
bool same(const std::string& one, const std::string& other) {
  if (one == other) return true;
  const auto number = [](const std::string& text) {
    double value = std::numeric_limits<double>::quiet_NaN();
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? value : std::numeric_limits<double>::quiet_NaN();
  };
  return number(one) == number(other);
}

bool same(const std::vector<std::string>& ones, const std::vector<std::string>& others) {
  return std::equal(ones.begin(), ones.end(), others.begin(), others.end(),
                    [](const std::string& one, const std::string& other) { return same(one, other); });
}

std::string text_of(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ", ")); }

}  // namespace

GivenSettings settings_to_keep(const TrainOptions& o, const GivenSettings& given) {
  GivenSettings kept;
  for (const auto& [name, values] : given) {
    if (!contains(never_kept, name)) kept[name] = values;
  }
  kept["FILE"] = {o.file == "-" ? o.file : absolute(o.file)};
  if (!o.validation.empty() && !share_of(o.validation)) kept["validation"] = {absolute(o.validation)};
  // With --init-from these come from the other model and not from the flags.
  kept["cell"] = {name_of(cell_names, o.model.cell)};
  kept["hidden"] = {std::to_string(o.model.hidden)};
  kept["layers"] = {std::to_string(o.model.layers)};
  kept["embedding"] = {std::to_string(o.model.embedding)};
  kept["tied"] = {o.model.tied ? "true" : "false"};
  kept["dropout"] = {fmt::format("{}", o.model.dropout)};
  kept["activation"] = {name_of(activation_names, o.model.activation)};
  kept["biases"] = {name_of(biases_names, o.model.biases)};
  kept["newlines"] = {name_of(newlines_names, o.newlines)};
  kept["epochs"] = {std::to_string(*o.epochs)};
  kept["gradient-slices"] = {std::to_string(*o.shards)};
  if (o.optimizer.schedule == ScheduleKind::step) kept["lr-decay-every"] = {std::to_string(*o.optimizer.decay_every)};
  if (o.checkpoint_every->updates > 0) kept["checkpoint-every"] = {std::to_string(o.checkpoint_every->updates)};
  return kept;
}

std::string settings_json(const GivenSettings& settings) {
  Json json = Json::object();
  for (const auto& [name, values] : settings) {
    for (const std::string& value : values) json[name].push_back(json_of(value));
  }
  return json.dump();
}

GivenSettings settings_from_json(const std::string& json, const std::string& place) {
  try {
    GivenSettings settings;
    const Json object = Json::parse(json);
    for (const auto& [name, values] : object.items()) {
      for (const Json& value : values) settings[name].push_back(text_in(value));
    }
    return settings;
  } catch (const nlohmann::json::exception&) {
    throw Error(ExitCode::bad_data, fmt::format("{}: its settings are not readable", place));
  }
}

GivenSettings resume_settings(const GivenSettings& kept, const GivenSettings& given, const std::string& run) {
  TrainOptions defaults;
  const std::vector<SettingGroup> groups = settings_of(defaults);
  GivenSettings result = kept;
  for (const auto& [name, values] : given) {
    const bool new_validation = name == "validation" && !kept.contains(name);
    if (contains(may_change, name) && !new_validation) {
      result[name] = values;
      continue;
    }
    const auto found = kept.find(name);
    const std::vector<std::string> before =
        found != kept.end() ? found->second : std::vector<std::string>{find_setting(groups, name)->initial};
    if (same(values, before)) continue;
    const std::string was = before.front().empty() || before.front() == "none"
                                ? std::string("without it")
                                : fmt::format("with {}", text_of(before));
    throw Error(
        fmt::format("--{} {}: {} was begun {}; leave the flag out to go on, or begin a new run, as with "
                    "--init-from {}",
                    name, text_of(values), run, was, run));
  }
  return result;
}

}  // namespace unroll::cli
