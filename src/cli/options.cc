#include "cli/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

#include "cli/config_file.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr std::size_t help_column = 36;

/// The number that `text` consists of; empty if the whole text is not a number of that type.
template <typename Number>
std::optional<Number> whole_text_as(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string Interval::text() const {
  const std::string text = fmt::format("a number {} {}", low_included ? "of at least" : "above", low);
  return std::isinf(high) ? text : text + fmt::format(" and {} {}", high_included ? "at most" : "below", high);
}

std::int64_t parse_whole_number(const std::string& text, std::int64_t low, std::int64_t high) {
  const auto number = whole_text_as<std::int64_t>(text);
  if (!number || *number < low || *number > high) {
    throw IllegalValue{fmt::format("a whole number from {} to {}", low, high)};
  }
  return *number;
}

std::uint64_t parse_seed(const std::string& text) {
  const auto number = whole_text_as<std::uint64_t>(text);
  if (!number) throw IllegalValue{fmt::format("a whole number from 0 to {}", UINT64_MAX)};
  return *number;
}

template <std::floating_point Number>
Number parse_number(const std::string& text, const Interval& interval) {
  const auto number = whole_text_as<Number>(text);
  const bool legal = number && std::isfinite(*number) &&
                     (interval.low_included ? *number >= interval.low : *number > interval.low) &&
                     (interval.high_included ? *number <= interval.high : *number < interval.high);
  if (!legal) throw IllegalValue{interval.text()};
  return *number;
}

template float parse_number<float>(const std::string& text, const Interval& interval);
template double parse_number<double>(const std::string& text, const Interval& interval);

std::string alternatives(const std::vector<std::string>& names) {
  if (names.size() == 1) return names.front();
  const std::vector<std::string> all_but_last(names.begin(), names.end() - 1);
  return fmt::format("{} or {}", join(all_but_last, ", "), names.back());
}

namespace {

const std::string& checked_name(const std::string& value) {
  if (value.empty()) throw IllegalValue{"a name"};
  return value;
}

}  // namespace

Setting argument(std::string name, std::string& field, std::string help) {
  return {Setting::Form::argument, std::move(name), "", "", std::move(help), [&field](const std::string& value) {
            field = checked_name(value);
          }};
}

Setting optional_argument(std::string name, std::string& field, std::string help) {
  return {Setting::Form::optional_argument,
          std::move(name),
          "",
          field,
          std::move(help),
          [&field](const std::string& value) { field = checked_name(value); }};
}

Setting arguments(std::string name, std::vector<std::string>& field, std::string help) {
  return {Setting::Form::arguments, std::move(name), "", "", std::move(help), [&field](const std::string& value) {
            field.push_back(checked_name(value));
          }};
}

Setting text(std::string name, std::string value_name, std::string& field, std::string initial, std::string help) {
  return {Setting::Form::flag, std::move(name), std::move(value_name),
          std::move(initial),  std::move(help), [&field](const std::string& value) { field = value; }};
}

Setting texts(std::string name, std::string value_name, std::vector<std::string>& field, std::string initial,
              std::string help) {
  return {Setting::Form::repeated, std::move(name), std::move(value_name),
          std::move(initial),      std::move(help), [&field](const std::string& value) { field.push_back(value); }};
}

Setting toggle(std::string name, bool& field, std::string help) {
  return {Setting::Form::toggle, std::move(name), "", "", std::move(help), [&field](const std::string& value) {
            if (value != "true" && value != "false") throw IllegalValue{"true or false"};
            field = value == "true";
          }};
}

Setting seed(std::uint64_t& field, std::string help) {
  return {Setting::Form::flag,   "seed",          "N",
          std::to_string(field), std::move(help), [&field](const std::string& value) { field = parse_seed(value); }};
}

namespace {

std::string see_help(const Command& command) { return fmt::format("see unroll {} --help", command.name); }

/// A setting and its values on the command line.
struct Given {
  const Setting* setting;
  CLI::Option* option;
  const std::vector<std::string>& values() const { return option->results(); }
};

CLI::Option* add_option(CLI::App& app, const Setting& setting) {
  const auto keep_as_text = [](const CLI::results_t&) { return true; };
  const std::string initial = setting.initial.empty() ? "" : fmt::format(" [{}]", setting.initial);
  switch (setting.form) {
    case Setting::Form::argument:
      return app.add_option(setting.name, keep_as_text, setting.help)->required()->option_text(" ");
    case Setting::Form::optional_argument:
      return app.add_option(setting.name, keep_as_text, setting.help)->option_text(initial);
    case Setting::Form::arguments:
      return app.add_option(setting.name, keep_as_text, setting.help)
          ->required()
          ->expected(CLI::detail::expected_max_vector_size)
          ->option_text(" ");
    case Setting::Form::toggle:
      return app.add_flag("--" + setting.name, setting.help);
    case Setting::Form::flag:
    case Setting::Form::repeated:
      break;
  }
  const std::string letter = setting.letter == 0 ? "" : fmt::format("-{},", setting.letter);
  CLI::Option* option = app.add_option(letter + "--" + setting.name, keep_as_text, setting.help);
  option->option_text(setting.value_name + initial);
  option->multi_option_policy(setting.form == Setting::Form::repeated ? CLI::MultiOptionPolicy::TakeAll
                                                                      : CLI::MultiOptionPolicy::TakeLast);
  return option;
}

void assign(const Command& command, const Setting& setting, const std::vector<std::string>& values,
            const std::string& how) {
  for (const std::string& value : values) {
    try {
      setting.assign(value);
    } catch (const IllegalValue& illegal) {
      throw Error(fmt::format("{} '{}': must be {}; {}", how, value, illegal.legal, see_help(command)));
    }
  }
}

void assign_from_config(const Command& command, const std::string& path, const std::vector<Given>& all,
                        GivenSettings& kept) {
  for (const ConfigEntry& entry : read_config_file(path)) {
    const auto given = std::find_if(
        all.begin(), all.end(), [&](const Given& g) { return g.setting->name == entry.key && g.setting->is_flag(); });
    if (given == all.end()) {
      throw Error(fmt::format("{}: unroll {} has no setting '{}'; its flags without the dashes are the settings, {}",
                              entry.place, command.name, entry.key, see_help(command)));
    }
    if (entry.values.size() != 1 && given->setting->form != Setting::Form::repeated) {
      throw Error(fmt::format("{}: {} takes one value, not a list", entry.place, entry.key));
    }
    if (given->values().empty()) {
      assign(command, *given->setting, entry.values, fmt::format("{}: {}", entry.place, entry.key));
      kept[entry.key] = entry.values;
    }
  }
}

/// The arguments in reverse order, as CLI11 reads them. CLI11 takes `--name= next` for `--name next`, so an empty value
/// becomes an argument of its own.
std::vector<std::string> for_cli11(const std::vector<std::string>& arguments) {
  std::vector<std::string> result;
  bool flags = true;
  for (const std::string& argument : arguments) {
    if (argument == "--") flags = false;
    if (flags && argument.starts_with("--") && argument.find('=') + 1 == argument.size()) {
      result.push_back(argument.substr(0, argument.size() - 1));
      result.emplace_back();
    } else {
      result.push_back(argument);
    }
  }
  return {result.rbegin(), result.rend()};
}

/// CLI11's help, without its doubled blank lines.
std::string help_of(const CLI::App& app) {
  std::string help = app.help();
  for (std::size_t at; (at = help.find("\n\n\n")) != std::string::npos;) help.erase(at, 1);
  return help;
}

[[noreturn]] void refuse(const Command& command, const CLI::App& app, const CLI::ParseError& error) {
  std::string problem = error.what();
  if (const auto extras = app.remaining(); dynamic_cast<const CLI::ExtrasError*>(&error) && !extras.empty()) {
    const bool flag = extras.front().size() > 1 && extras.front().front() == '-';
    problem = fmt::format("{} '{}'", flag ? "unknown flag" : "unexpected argument", extras.front());
  } else if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) {
    problem = problem.substr(0, problem.find(':')) + " needs a value";
  }
  throw Error(fmt::format("{}: {}; {}", command.name, problem, see_help(command)));
}

}  // namespace

namespace {

std::string last_word(const std::string& name) { return name.substr(name.rfind(' ') + 1); }

}  // namespace

std::string list_of(const std::vector<Command>& commands) {
  std::string text;
  for (const Command& command : commands)
    text += fmt::format("  {:<10} {}\n", last_word(command.name), command.summary);
  return text;
}

const Command& find_command(const std::vector<Command>& commands, const std::string& word, const std::string& group) {
  std::vector<std::string> words;
  for (const Command& command : commands) {
    words.push_back(last_word(command.name));
    if (words.back() == word) return command;
  }
  const std::string of_group = group == "unroll" ? "" : " of " + group;
  const std::string problem = word.empty() ? fmt::format("a command{} is missing", of_group)
                                           : fmt::format("unknown command '{}'{}", word, of_group);
  throw Error(fmt::format("{}: it must be {}; see {} --help", problem, alternatives(words), group));
}

std::optional<std::string> read_settings(const Command& command, const std::vector<std::string>& arguments,
                                         GivenSettings& given) {
  CLI::App app(command.summary, "unroll " + command.name);
  app.get_formatter()->column_width(help_column);
  app.set_help_flag("--help,-h", "show this");
  app.footer(command.details);
  std::vector<Given> all;
  for (const SettingGroup& group : command.groups) {
    for (const Setting& setting : group.settings) {
      all.push_back({&setting, add_option(app, setting)->group(group.title)});
    }
  }
  CLI::Option* config = app.add_option("--config", "a TOML file of settings, without the dashes; flags win");
  config->option_text("FILE.toml");
  try {
    app.parse(for_cli11(arguments));
  } catch (const CLI::CallForHelp&) {
    return help_of(app);
  } catch (const CLI::ParseError& error) {
    refuse(command, app, error);
  }
  if (config->count() > 0) assign_from_config(command, config->results().back(), all, given);
  for (const Given& one : all) {
    assign(command, *one.setting, one.values(), (one.setting->is_flag() ? "--" : "") + one.setting->name);
    if (one.values().empty()) continue;
    const bool list = one.setting->form == Setting::Form::repeated || one.setting->form == Setting::Form::arguments;
    given[one.setting->name] = list ? one.values() : std::vector<std::string>{one.values().back()};
  }
  return std::nullopt;
}

const Setting* find_setting(const std::vector<SettingGroup>& groups, const std::string& name) {
  for (const SettingGroup& group : groups) {
    for (const Setting& setting : group.settings) {
      if (setting.name == name) return &setting;
    }
  }
  return nullptr;
}

void assign_settings(const std::vector<SettingGroup>& groups, const GivenSettings& given, const std::string& place) {
  for (const auto& [name, values] : given) {
    const Setting* setting = find_setting(groups, name);
    if (setting == nullptr) throw Error(ExitCode::bad_data, fmt::format("{}: there is no setting '{}'", place, name));
    for (const std::string& value : values) {
      try {
        setting->assign(value);
      } catch (const IllegalValue& illegal) {
        throw Error(ExitCode::bad_data, fmt::format("{}: {} '{}': must be {}", place, name, value, illegal.legal));
      }
    }
  }
}

}  // namespace unroll::cli
