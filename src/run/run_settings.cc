#include "run/run_settings.h"

#include <fmt/format.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "io/json_fields.h"
#include "unroll/error.h"

namespace unroll {

namespace {

using Json = nlohmann::ordered_json;

// Format 1 has the texts of the options that were given, and no number.
constexpr int settings_format = 2;
constexpr std::size_t max_settings = 1 << 24;  // bytes: file names and prefixes have any length
constexpr int max_depth = 4;                   // of bytes in a list in the options

}  // namespace

std::string settings_json(std::span<const OptionGroup> groups, const OptionValues& kept) {
  const Json json = {{"format", settings_format}, {"options", Json::parse(options_json(groups, kept))}};
  return json.dump();
}

OptionValues settings_from_json(const std::string& text, const std::string& place) {
  const JsonFields settings(parse_json_object(text, max_settings, max_depth, place + ": settings"),
                            place + ": settings");
  if (!settings.contains("format")) return values_from_json(text, place);
  const int format = settings.integer("format");
  if (format != settings_format) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("{}: its settings have format {}, this program reads 1 and {}: use the program that wrote it",
                    place, format, settings_format));
  }
  return values_from_json(settings.field("options").dump(), place);
}

namespace {

/// The values in the form that the description gives them: 0.01 for 1e-2.
std::vector<std::string> normalised(std::span<const OptionGroup> scratch, const std::string& name,
                                    const std::vector<std::string>& texts) {
  assign_values(scratch, {{name, texts}});
  return find_option(scratch, name)->values();
}

/// The kept values, in the form of the description.
OptionValues normalised_kept(const DescribeOptions& describe_new, const OptionValues& kept, const std::string& place) {
  const std::shared_ptr<const std::vector<OptionGroup>> scratch = describe_new();
  OptionValues result;
  for (const auto& [name, texts] : kept) {
    const Option* option = find_option(*scratch, name);
    if (option == nullptr || option->on_resume == OnResume::not_kept) {
      throw Error(ExitCode::bad_data, fmt::format("{}: its settings have no place for '{}'", place, name));
    }
    try {
      std::vector<std::string> values = normalised(*scratch, name, texts);
      if (!values.empty()) result[name] = std::move(values);
    } catch (const OptionError& error) {
      throw Error(ExitCode::bad_data, fmt::format("{}: {}", place, error.what()));
    }
  }
  return result;
}

/// "with 0.5"; "without it" for an option that was not given.
std::string with_text(const Option& option, const std::vector<std::string>& before) {
  const bool without = before.empty() || before.front().empty() || before.front() == "none" ||
                       (option.form == Option::Form::toggle && before.front() == "false");
  return without ? "without it" : fmt::format("with {}", fmt::join(before, ", "));
}

}  // namespace

OptionValues resumed_values(const DescribeOptions& describe_new, const OptionValues& kept, const OptionValues& given,
                            const RunPlace& run) {
  OptionValues result = normalised_kept(describe_new, kept, run.checkpoint);
  const std::shared_ptr<const std::vector<OptionGroup>> scratch = describe_new(), defaults = describe_new();
  for (const auto& [name, texts] : given) {
    const Option& option = *find_option(*scratch, name);
    const std::vector<std::string> values = normalised(*scratch, name, texts);
    const bool was_given = result.contains(name);
    if (option.on_resume != OnResume::fixed && (was_given || option.on_resume != OnResume::may_change_if_given)) {
      result[name] = values;
      continue;
    }
    std::vector<std::string> before = was_given ? result[name] : find_option(*defaults, name)->values();
    if (values == before) continue;
    // A default that depends on other options is known by its text in the help alone.
    if (!was_given && before.empty()) before = {option.initial};
    if (values == before) continue;
    const std::string shown = values.empty() ? "''" : fmt::format("{}", fmt::join(texts, ", "));
    const std::string asked = option.form == Option::Form::toggle ? std::string() : " " + shown;
    throw Error(fmt::format("{}{}: {} was begun {}; leave it out to go on, or begin a new run{}", option_name(name),
                            asked, run.name, with_text(option, before), run.how_to_begin));
  }
  return result;
}

OptionValues changed_values(std::span<const OptionGroup> groups, std::span<const OptionGroup> defaults) {
  check_values(groups);
  OptionValues changed;
  for (const OptionGroup& group : groups) {
    for (const Option& option : group.options) {
      const std::vector<std::string> values = option.values();
      if (values != find_option(defaults, option.name)->values()) changed[option.name] = values;
    }
  }
  return changed;
}

std::string absolute_path(const std::string& path) {
  std::error_code ignored;
  const std::filesystem::path whole = std::filesystem::absolute(path, ignored);
  return ignored ? path : whole.string();
}

}  // namespace unroll
