#include "options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "config_file.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr std::size_t help_column = 36;

}  // namespace

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

namespace {

std::string see_help(const Command& command) { return fmt::format("see unroll {} --help", command.name); }

/// An option and its values on the command line.
struct Given {
  const Option* option;
  CLI::Option* parsed;
  const std::vector<std::string>& values() const { return parsed->results(); }
};

CLI::Option* add_option(CLI::App& app, const Option& option) {
  const auto keep_as_text = [](const CLI::results_t&) { return true; };
  const std::string initial = option.initial.empty() ? "" : fmt::format(" [{}]", option.initial);
  switch (option.form) {
    case Option::Form::argument:
      return app.add_option(option.name, keep_as_text, option.help)->required()->option_text(" ");
    case Option::Form::optional_argument:
      return app.add_option(option.name, keep_as_text, option.help)->option_text(initial);
    case Option::Form::arguments:
      return app.add_option(option.name, keep_as_text, option.help)
          ->required()
          ->expected(CLI::detail::expected_max_vector_size)
          ->option_text(" ");
    case Option::Form::toggle:
      return app.add_flag("--" + option.name, option.help);
    case Option::Form::flag:
    case Option::Form::repeated:
      break;
  }
  const std::string letter = option.letter == 0 ? "" : fmt::format("-{},", option.letter);
  CLI::Option* added = app.add_option(letter + "--" + option.name, keep_as_text, option.help);
  added->option_text(option.value_name + initial);
  added->multi_option_policy(option.form == Option::Form::repeated ? CLI::MultiOptionPolicy::TakeAll
                                                                   : CLI::MultiOptionPolicy::TakeLast);
  return added;
}

void assign(const Command& command, const Option& option, const std::vector<std::string>& values,
            const std::string& how) {
  for (const std::string& value : values) {
    try {
      option.assign(value);
    } catch (const IllegalValue& illegal) {
      throw Error(fmt::format("{} '{}': must be {}; {}", how, value, illegal.legal, see_help(command)));
    }
  }
}

void assign_from_config(const Command& command, const std::string& path, const std::vector<Given>& all,
                        OptionValues& kept) {
  for (const ConfigEntry& entry : read_config_file(path)) {
    const auto given = std::find_if(all.begin(), all.end(),
                                    [&](const Given& g) { return g.option->name == entry.key && g.option->is_flag(); });
    if (given == all.end()) {
      throw Error(fmt::format("{}: unroll {} has no setting '{}'; its flags without the dashes are the settings, {}",
                              entry.place, command.name, entry.key, see_help(command)));
    }
    if (entry.values.size() != 1 && given->option->form != Option::Form::repeated) {
      throw Error(fmt::format("{}: {} takes one value, not a list", entry.place, entry.key));
    }
    if (given->values().empty()) {
      assign(command, *given->option, entry.values, fmt::format("{}: {}", entry.place, entry.key));
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
    const bool separated = extras.front() == "--" && extras.size() > 1;  // then no flag follows
    const std::string& extra = extras[separated ? 1 : 0];
    const bool flag = !separated && extra.size() > 1 && extra.front() == '-';
    problem = fmt::format("{} '{}'{}", flag ? "unknown flag" : "unexpected argument", extra,
                          separated ? ": what follows -- is no flag" : "");
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

std::optional<std::string> read_options(const Command& command, const std::vector<std::string>& arguments,
                                        OptionValues& given) {
  CLI::App app(command.summary, "unroll " + command.name);
  app.get_formatter()->column_width(help_column);
  app.set_help_flag("--help,-h", "show this");
  app.footer(command.details);
  std::vector<Given> all;
  for (const OptionGroup& group : command.groups) {
    for (const Option& option : group.options) {
      all.push_back({&option, add_option(app, option)->group(group.title)});
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
    assign(command, *one.option, one.values(), (one.option->is_flag() ? "--" : "") + one.option->name);
    if (one.values().empty()) continue;
    const bool list = one.option->form == Option::Form::repeated || one.option->form == Option::Form::arguments;
    given[one.option->name] = list ? one.values() : std::vector<std::string>{one.values().back()};
  }
  return std::nullopt;
}

}  // namespace unroll::cli
