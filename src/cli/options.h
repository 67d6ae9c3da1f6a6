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

#include "cli/words.h"

namespace unroll::cli {

/// Something that a user can set. From the list of its settings come a command's flags, its help and the keys of its
/// configuration file.
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
  std::string value_name;  ///< what stands for the value in help
  std::string initial;     ///< what it is without the flag, for help; may be empty
  std::string help;
  /// Takes the text of one value; a toggle takes "true" or "false". Throws IllegalValue.
  std::function<void(const std::string&)> assign;
  char letter = 0;  ///< of the short form, -o VALUE; 0: there is none

  bool is_flag() const { return form != Form::argument && form != Form::optional_argument && form != Form::arguments; }
};

/// Says what a value must be: "a whole number from 1 to 64".
struct IllegalValue {
  std::string legal;
};

struct SettingGroup {
  std::string title;
  std::vector<Setting> settings;
};

/// The text of all values that were given, by the setting's name: those of the command line, else of the configuration
/// file.
using GivenSettings = std::map<std::string, std::vector<std::string>>;

/// A sub-command of the program, or a group of such.
struct Command {
  std::string name;  ///< with the group it is in: "train", "table", "table inspect"
  std::string summary;
  std::string details;  ///< the end of its help: examples, and what else one has to know
  std::vector<SettingGroup> groups;
  std::function<void(const GivenSettings&)> run;
  std::vector<Command> members = {};  ///< of a group, which has neither settings nor run
  bool shared = false;                ///< by all processes that were started together (on_all_ranks())
};

/// The list of commands in a help text: the last word of each name, and its summary.
std::string list_of(const std::vector<Command>& commands);

/// The one whose name ends in the word `word`. Throws Error(usage) that names what there is; `group` is what they are
/// the commands of, "unroll" or "unroll table".
const Command& find_command(const std::vector<Command>& commands, const std::string& word, const std::string& group);

/// Assigns what `arguments` (after the command's name) and the file named by --config say, and adds it to `given`; the
/// command line wins. Returns the text of the help where that was asked for, and then assigns nothing. Throws
/// Error(usage) that names the flag, its legal values and the help.
std::optional<std::string> read_settings(const Command& command, const std::vector<std::string>& arguments,
                                         GivenSettings& given);

/// Assigns values that were given to an earlier process and kept in the file `place`. Throws Error(bad_data) for what
/// is no setting or no legal value.
void assign_settings(const std::vector<SettingGroup>& groups, const GivenSettings& given, const std::string& place);

const Setting* find_setting(const std::vector<SettingGroup>& groups, const std::string& name);  ///< null: there is none

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

// Values from their text; throw IllegalValue.
std::int64_t parse_whole_number(const std::string& text, std::int64_t low, std::int64_t high);
std::uint64_t parse_seed(const std::string& text);
template <std::floating_point Number>
Number parse_number(const std::string& text, const Interval& interval);
std::string alternatives(const std::vector<std::string>& names);  ///< "rnn, gru or lstm"
std::string join(const std::vector<std::string>& parts, std::string_view separator);

/// `Field` is an integer or an optional one; an empty optional is described by `initial`.
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

/// `Field` is a floating-point number or an optional one.
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

/// One of a few words; keeps a reference to them.
template <typename Field>
Setting choice(std::string name, Field& field, const Words<Field>& words, std::string help) {
  std::vector<std::string> names;
  for (const auto& entry : words) names.push_back(entry.first);
  std::string value_name = join(names, "|");
  return {Setting::Form::flag,
          std::move(name),
          std::move(value_name),
          word_for(words, field),
          std::move(help),
          [&field, &words, names = std::move(names)](const std::string& given) {
            const auto found = std::find(names.begin(), names.end(), given);
            if (found == names.end()) throw IllegalValue{alternatives(names)};
            field = words[static_cast<std::size_t>(found - names.begin())].second;
          }};
}

}  // namespace unroll::cli
