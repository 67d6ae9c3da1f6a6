#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unroll/error.h"

namespace unroll {

/// How messages write the name of an option.
enum class OptionStyle {
  plain,  ///< as in TOML, JSON and checkpoints: validate-every
  flag,   ///< as the program takes it: --validate-every
};

/// Sets the style of all messages from here on; `plain` until then. For a program, once, at its start.
void set_option_style(OptionStyle style);

/// The option `name`, such as "validate-every", as all messages of the library write it.
std::string option_name(std::string_view name);

/// Names of the values of an enumeration, as used in flags, files and output.
template <typename Value>
using EnumNames = std::vector<std::pair<std::string, Value>>;

/// Specialised beside each enumeration that an option can have.
template <typename Value>
const EnumNames<Value>& enum_names();

/// The word for a value. Throws std::out_of_range for a value that is none of the enumeration's.
template <typename Value>
const std::string& name_of(Value value) {
  const EnumNames<Value>& names = enum_names<Value>();
  const auto found = std::ranges::find(names, value, &std::pair<std::string, Value>::second);
  return names.at(static_cast<std::size_t>(found - names.begin())).first;
}

/// Whether an option may change when a run is resumed.
enum class OnResume {
  fixed,                ///< another value is refused
  may_change,           ///< does not affect any update
  may_change_if_given,  ///< may get a new value, but a run that was started without it keeps none
  changes_updates,      ///< may change; the results then differ from those of the unchanged run
  not_kept,             ///< applies to one invocation only and is not stored in checkpoints
};

/// Thrown for an illegal value. `legal` describes the legal ones: "a whole number from 1 to 64".
struct IllegalValue {
  std::string legal;
};

/// Thrown for options that are illegal or contradict each other. A program may append a hint such as "see --help".
class OptionError : public Error {
 public:
  explicit OptionError(const std::string& message) : Error(message) {}
};

/// An option, described once: its flag or argument, its line of the help, its key in TOML and JSON files and in
/// checkpoints, its range. It refers to the member that holds its value. Values are read and written as strings, in the
/// form that the flag accepts.
struct Option {
  enum class Form {
    argument,           ///< FILE
    optional_argument,  ///< [DIR]
    arguments,          ///< RUN..., one or more
    flag,               ///< --name VALUE
    repeated,           ///< --name VALUE --name VALUE ..
    toggle              ///< --name; its texts are "true" and "false"
  };
  enum class Type { text, integer, number, boolean };  ///< of the value in JSON

  std::string name = {};
  std::string value_name = {};  ///< placeholder of the value in the help
  std::string initial = {};     ///< default value, for the help; may be empty
  std::string help = {};
  Form form = Form::flag;
  Type type = Type::text;
  /// Assigns one value, or adds one to a list. Throws IllegalValue.
  std::function<void(const std::string&)> assign = {};
  /// The current value, or those of a list; empty if the value is not set.
  std::function<std::vector<std::string>()> values = {};
  OnResume on_resume = OnResume::fixed;
  char letter = 0;  ///< short form, as in -o VALUE; 0: none

  /// The same option with another rule for resumed runs.
  Option with(OnResume rule) && {
    on_resume = rule;
    return std::move(*this);
  }
  bool is_flag() const { return form != Form::argument && form != Form::optional_argument && form != Form::arguments; }
  bool is_list() const { return form == Form::repeated || form == Form::arguments; }
};

struct OptionGroup {
  std::string title;
  std::vector<Option> options;
};

/// Texts of values by option name.
using OptionValues = std::map<std::string, std::vector<std::string>>;

const Option* find_option(std::span<const OptionGroup> groups, const std::string& name);  ///< null if there is none

/// The current values of all options that are set, without those that are not kept.
OptionValues values_to_keep(std::span<const OptionGroup> groups);

/// Throws OptionError for an unknown option or an illegal value.
void assign_values(std::span<const OptionGroup> groups, const OptionValues& values);
/// The same for values from the file `place`. Throws Error(bad_data) for an unknown option or an illegal value.
void assign_values(std::span<const OptionGroup> groups, const OptionValues& values, const std::string& place);

/// Throws OptionError "NAME 'VALUE': must be ..." for the first member whose value is illegal.
void check_values(std::span<const Option> options);
void check_values(std::span<const OptionGroup> groups);

/// One JSON object, in the order of the options: {"hidden": 256, "tied": false, "prefix": ["a", "b"]}. Text that is not
/// UTF-8, as a file name may be, becomes a list of bytes.
std::string options_json(std::span<const OptionGroup> groups, const OptionValues& values);
/// Reads what options_json() has written. Throws Error(bad_data) that names the file `place`.
OptionValues values_from_json(std::string_view json, const std::string& place);

/// The kinds of options, and the parsers of their values. Each option refers to the member `field`.
namespace options {

// These throw IllegalValue.
std::int64_t parse_whole_number(const std::string& text, std::int64_t low, std::int64_t high);
std::uint64_t parse_seed(const std::string& text);

/// The legal values of a number.
struct Interval {
  double low = 0;
  double high = std::numeric_limits<double>::infinity();
  bool low_included = true;
  bool high_included = true;
  std::string text() const;  ///< "a number above 0"
};
template <std::floating_point Number>
Number parse_number(const std::string& text, const Interval& interval);

/// The shortest text that reads back as the same number.
std::string text_of(float number);
std::string text_of(double number);
std::string text_of(std::integral auto number) { return std::to_string(number); }

std::string alternatives(const std::vector<std::string>& names);  ///< "rnn, gru or lstm"

Option argument(std::string name, std::string& field, std::string help);
Option optional_argument(std::string name, std::string& field, std::string help);
Option arguments(std::string name, std::vector<std::string>& field, std::string help);
Option text(std::string name, std::string value_name, std::string& field, std::string initial, std::string help);
Option texts(std::string name, std::string value_name, std::vector<std::string>& field, std::string initial,
             std::string help);
Option toggle(std::string name, bool& field, std::string help);
/// The encoding of FILE: any name that iconv knows; empty: UTF-8, or what a byte order mark says.
Option encoding(std::string& field);
Option seed(std::uint64_t& field, std::string help);

/// The type of a number or of an optional number.
template <typename Field>
using NumberOf = typename decltype(std::optional(std::declval<Field>()))::value_type;

/// An option whose `Field` is a number or an optional number. `parse` throws IllegalValue.
template <typename Field, typename Parse>
Option numeric(Option option, Field& field, Parse parse) {
  option.assign = [&field, parse](const std::string& value) { field = parse(value); };
  option.values = [&field] {
    const std::optional<NumberOf<Field>> value = field;
    return value ? std::vector{text_of(*value)} : std::vector<std::string>();
  };
  return option;
}

/// `Field`: an integer or an optional integer. `initial` describes an empty optional.
template <typename Field>
Option whole_number(std::string name, Field& field, std::int64_t low, std::int64_t high, std::string initial,
                    std::string help) {
  Option option{.name = std::move(name),
                .value_name = "N",
                .initial = std::move(initial),
                .help = std::move(help),
                .type = Option::Type::integer};
  return numeric(std::move(option), field, [low, high](const std::string& value) {
    return static_cast<NumberOf<Field>>(parse_whole_number(value, low, high));
  });
}

template <std::integral Field>
Option whole_number(std::string name, Field& field, std::int64_t low, std::int64_t high, std::string help) {
  return whole_number(std::move(name), field, low, high, text_of(field), std::move(help));
}

/// `Field`: a floating-point number or an optional one.
template <typename Field>
Option number(std::string name, Field& field, Interval interval, std::string initial, std::string help) {
  Option option{.name = std::move(name),
                .value_name = "X",
                .initial = std::move(initial),
                .help = std::move(help),
                .type = Option::Type::number};
  return numeric(std::move(option), field,
                 [interval](const std::string& value) { return parse_number<NumberOf<Field>>(value, interval); });
}

template <std::floating_point Field>
Option number(std::string name, Field& field, Interval interval, std::string help) {
  return number(std::move(name), field, interval, text_of(field), std::move(help));
}

/// A choice of one of several words.
template <typename Field>
Option choice(std::string name, Field& field, const EnumNames<Field>& words, std::string help) {  // NOLINT
  std::vector<std::string> names;
  std::string value_name;
  for (const auto& entry : words) {
    value_name += (names.empty() ? "" : "|") + entry.first;
    names.push_back(entry.first);
  }
  const auto word = [&field, &words]() -> std::vector<std::string> {
    const auto found = std::ranges::find(words, field, &std::pair<std::string, Field>::second);
    return {found == words.end() ? std::string("?") : found->first};
  };
  return {.name = std::move(name),
          .value_name = std::move(value_name),
          .initial = word().front(),
          .help = std::move(help),
          .assign =
              [&field, &words, names = std::move(names)](const std::string& given) {
                const auto found = std::ranges::find(words, given, &std::pair<std::string, Field>::first);
                if (found == words.end()) throw IllegalValue{alternatives(names)};
                field = found->second;
              },
          .values = word};
}

template <typename Field>
Option choice(std::string name, Field& field, std::string help) {
  return choice(std::move(name), field, enum_names<Field>(), std::move(help));
}

}  // namespace options
}  // namespace unroll
