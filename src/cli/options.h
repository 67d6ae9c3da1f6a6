#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/enum_names.h"

namespace unroll::cli {

/// A setting of a command: defines its flag or argument, its line of the help and its key in a configuration file.
struct Setting {
  enum class Form {
    argument,           ///< FILE
    optional_argument,  ///< [DIR]
    arguments,          ///< RUN..., one or more
    flag,               ///< --name VALUE
    repeated,           ///< --name VALUE --name VALUE ..
    toggle              ///< --name
  };
  Form form = Form::flag;
  std::string name;        ///< as in --name VALUE, and in name = VALUE
  std::string value_name;  ///< placeholder of the value in the help
  std::string initial;     ///< default value, for the help; may be empty
  std::string help;
  /// Assigns one value from its text, "true" or "false" for a toggle. Throws IllegalValue.
  std::function<void(const std::string&)> assign;
  char letter = 0;  ///< short form, as in -o VALUE; 0: none

  bool is_flag() const { return form != Form::argument && form != Form::optional_argument && form != Form::arguments; }
};

/// Thrown for an illegal value. `legal` describes the legal ones: "a whole number from 1 to 64".
struct IllegalValue {
  std::string legal;
};

struct SettingGroup {
  std::string title;
  std::vector<Setting> settings;
};

/// Texts of the given values by setting name: those of the command line, else those of the configuration file.
using GivenSettings = std::map<std::string, std::vector<std::string>>;

/// A sub-command of the program, or a group of sub-commands.
struct Command {
  std::string name;  ///< including its group: "train", "table", "table inspect"
  std::string summary;
  std::string details;  ///< end of its help: notes and examples
  std::vector<SettingGroup> groups;
  std::function<void(const GivenSettings&)> run;
  std::vector<Command> members = {};  ///< sub-commands of a group, which has neither settings nor run
  bool shared = false;                ///< run collectively by all processes started together (on_all_ranks())
};

/// The list of commands in a help text: the last word of each name, and its summary.
std::string list_of(const std::vector<Command>& commands);

/// The command whose name ends in the word `word`. Throws Error(usage) with a list of the commands if there is none.
/// `group`: what they are the commands of, "unroll" or "unroll table".
const Command& find_command(const std::vector<Command>& commands, const std::string& word, const std::string& group);

/// Assigns the settings given by `arguments` (after the command's name) and by the file that --config names, and adds
/// them to `given`; the command line has precedence. If help is requested, returns its text and assigns nothing. Throws
/// Error(usage) naming the flag, its legal values and the help.
std::optional<std::string> read_settings(const Command& command, const std::vector<std::string>& arguments,
                                         GivenSettings& given);

/// Assigns values that were given to an earlier process and stored in the file `place`. Throws Error(bad_data) for an
/// unknown setting or an illegal value.
void assign_settings(const std::vector<SettingGroup>& groups, const GivenSettings& given, const std::string& place);

const Setting* find_setting(const std::vector<SettingGroup>& groups,
                            const std::string& name);  ///< null if there is none

/// The legal values of a number.
struct Interval {
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
  bool low_included = true;
  bool high_included = true;
  std::string text() const;  ///< "a number above 0"
};

Setting argument(std::string name, std::string& field, std::string help);
Setting optional_argument(std::string name, std::string& field, std::string help);
Setting arguments(std::string name, std::vector<std::string>& field, std::string help);
Setting text(std::string name, std::string value_name, std::string& field, std::string initial, std::string help);
Setting texts(std::string name, std::string value_name, std::vector<std::string>& field, std::string initial,
              std::string help);
Setting toggle(std::string name, bool& field, std::string help);

// Parsers of values; throw IllegalValue.
std::int64_t parse_whole_number(const std::string& text, std::int64_t low, std::int64_t high);
std::uint64_t parse_seed(const std::string& text);
template <std::floating_point Number>
Number parse_number(const std::string& text, const Interval& interval);
std::string alternatives(const std::vector<std::string>& names);  ///< "rnn, gru or lstm"
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// `Field`: an integer or an optional integer. `initial` describes an empty optional.
template <typename Field>
Setting whole_number(std::string name, Field& field, std::int64_t low, std::int64_t high, std::string initial,
                     std::string help) {
  auto assign = [&field, low, high](const std::string& value) {
    if constexpr (std::integral<Field>) {
      field = static_cast<Field>(parse_whole_number(value, low, high));
    } else {
      field = static_cast<typename Field::value_type>(parse_whole_number(value, low, high));
    }
  };
  return {Setting::Form::flag, std::move(name), "N", std::move(initial), std::move(help), std::move(assign)};
}

template <std::integral Field>
Setting whole_number(std::string name, Field& field, std::int64_t low, std::int64_t high, std::string help) {
  return whole_number(std::move(name), field, low, high, std::to_string(field), std::move(help));
}

Setting seed(std::uint64_t& field, std::string help);

/// `Field`: a floating-point number or an optional one.
template <typename Field>
Setting number(std::string name, Field& field, Interval interval, std::string initial, std::string help) {
  auto assign = [&field, interval](const std::string& value) {
    if constexpr (std::floating_point<Field>) {
      field = parse_number<Field>(value, interval);
    } else {
      field = parse_number<typename Field::value_type>(value, interval);
    }
  };
  return {Setting::Form::flag, std::move(name), "X", std::move(initial), std::move(help), std::move(assign)};
}

/// A choice of one of several names; keeps a reference to the list.
template <typename Field>
Setting choice(std::string name, Field& field, const EnumNames<Field>& values, std::string help) {
  std::vector<std::string> names;
  for (const auto& entry : values) names.push_back(entry.first);
  std::string value_name = join(names, "|");
  return {Setting::Form::flag,
          std::move(name),
          std::move(value_name),
          name_of(values, field),
          std::move(help),
          [&field, &values, names = std::move(names)](const std::string& given) {
            const auto found = std::find(names.begin(), names.end(), given);
            if (found == names.end()) throw IllegalValue{alternatives(names)};
            field = values[static_cast<std::size_t>(found - names.begin())].second;
          }};
}

}  // namespace unroll::cli
