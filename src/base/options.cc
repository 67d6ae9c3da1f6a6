#include "unroll/options.h"

#include <fmt/format.h>
#include <iconv.h>

#include <atomic>
#include <charconv>
#include <cmath>

namespace unroll {

namespace {

std::atomic<OptionStyle> option_style = OptionStyle::plain;

/// The number that `text` consists of; empty if the whole text is not a number of that type.
template <typename Number>
std::optional<Number> whole_text_as(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

const std::string& checked_name(const std::string& value) {
  if (value.empty()) throw IllegalValue{"a name"};
  return value;
}

std::vector<std::string> unless_empty(const std::string& value) {
  return value.empty() ? std::vector<std::string>() : std::vector{value};
}

/// iconv takes no name for the encoding of the locale, and what follows a slash for an option of its own.
bool is_encoding(const std::string& name) {
  if (name.empty() || name.find('/') != std::string::npos) return false;
  iconv_t handle = iconv_open("UTF-8", name.c_str());
  if (handle == reinterpret_cast<iconv_t>(-1)) return false;  // NOLINT(performance-no-int-to-ptr)
  iconv_close(handle);
  return true;
}

}  // namespace

void set_option_style(OptionStyle style) { option_style = style; }

std::string option_name(std::string_view name) {
  std::string text(option_style == OptionStyle::flag ? "--" : "");
  return text += name;
}

const Option* find_option(std::span<const OptionGroup> groups, const std::string& name) {
  for (const OptionGroup& group : groups) {
    for (const Option& option : group.options) {
      if (option.name == name) return &option;
    }
  }
  return nullptr;
}

OptionValues values_to_keep(std::span<const OptionGroup> groups) {
  OptionValues kept;
  for (const OptionGroup& group : groups) {
    for (const Option& option : group.options) {
      if (option.on_resume == OnResume::not_kept) continue;
      if (std::vector<std::string> values = option.values(); !values.empty()) kept[option.name] = std::move(values);
    }
  }
  return kept;
}

namespace {

void assign_value(const Option& option, const std::string& value) {
  try {
    option.assign(value);
  } catch (const IllegalValue& illegal) {
    throw OptionError(fmt::format("{} '{}': must be {}", option_name(option.name), value, illegal.legal));
  }
}

}  // namespace

void assign_values(std::span<const OptionGroup> groups, const OptionValues& values) {
  for (const auto& [name, texts] : values) {
    const Option* option = find_option(groups, name);
    if (option == nullptr) throw OptionError(fmt::format("there is no option '{}'", name));
    for (const std::string& value : texts) assign_value(*option, value);
  }
}

void assign_values(std::span<const OptionGroup> groups, const OptionValues& values, const std::string& place) {
  try {
    assign_values(groups, values);
  } catch (const OptionError& error) {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}", place, error.what()));
  }
}

void check_values(std::span<const Option> options) {
  for (const Option& option : options) {
    if (option.is_list()) continue;  // of any texts
    for (const std::string& value : option.values()) assign_value(option, value);
  }
}

void check_values(std::span<const OptionGroup> groups) {
  for (const OptionGroup& group : groups) check_values(group.options);
}

namespace options {

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

std::string text_of(float number) { return fmt::format("{}", number); }
std::string text_of(double number) { return fmt::format("{}", number); }

std::string alternatives(const std::vector<std::string>& names) {
  if (names.size() == 1) return names.front();
  const std::vector<std::string> all_but_last(names.begin(), names.end() - 1);
  return fmt::format("{} or {}", fmt::join(all_but_last, ", "), names.back());
}

Option argument(std::string name, std::string& field, std::string help) {
  return {.name = std::move(name),
          .help = std::move(help),
          .form = Option::Form::argument,
          .assign = [&field](const std::string& value) { field = checked_name(value); },
          .values = [&field] { return unless_empty(field); }};
}

Option optional_argument(std::string name, std::string& field, std::string help) {
  return {.name = std::move(name),
          .initial = field,
          .help = std::move(help),
          .form = Option::Form::optional_argument,
          .assign = [&field](const std::string& value) { field = checked_name(value); },
          .values = [&field] { return unless_empty(field); }};
}

Option arguments(std::string name, std::vector<std::string>& field, std::string help) {
  return {.name = std::move(name),
          .help = std::move(help),
          .form = Option::Form::arguments,
          .assign = [&field](const std::string& value) { field.push_back(checked_name(value)); },
          .values = [&field] { return field; }};
}

Option text(std::string name, std::string value_name, std::string& field, std::string initial, std::string help) {
  return {.name = std::move(name),
          .value_name = std::move(value_name),
          .initial = std::move(initial),
          .help = std::move(help),
          .assign = [&field](const std::string& value) { field = value; },
          .values = [&field] { return unless_empty(field); }};
}

Option texts(std::string name, std::string value_name, std::vector<std::string>& field, std::string initial,
             std::string help) {
  return {.name = std::move(name),
          .value_name = std::move(value_name),
          .initial = std::move(initial),
          .help = std::move(help),
          .form = Option::Form::repeated,
          .assign = [&field](const std::string& value) { field.push_back(value); },
          .values = [&field] { return field; }};
}

Option toggle(std::string name, bool& field, std::string help) {
  return {.name = std::move(name),
          .help = std::move(help),
          .form = Option::Form::toggle,
          .type = Option::Type::boolean,
          .assign =
              [&field](const std::string& value) {
                if (value != "true" && value != "false") throw IllegalValue{"true or false"};
                field = value == "true";
              },
          .values = [&field] { return std::vector<std::string>{field ? "true" : "false"}; }};
}

Option encoding(std::string& field) {
  Option option = text("encoding", "NAME", field, "UTF-8, or as its byte order mark says",
                       "of FILE, such as windows-1252, GB18030 or UTF-16LE; iconv --list shows all");
  option.assign = [&field](const std::string& value) {
    if (!is_encoding(value)) throw IllegalValue{"an encoding that iconv knows, such as windows-1252 or GB18030"};
    field = value;
  };
  return std::move(option).with(OnResume::may_change);  // FILE may change too
}

Option seed(std::uint64_t& field, std::string help) {
  return {.name = "seed",
          .value_name = "N",
          .initial = std::to_string(field),
          .help = std::move(help),
          .type = Option::Type::integer,
          .assign = [&field](const std::string& value) { field = parse_seed(value); },
          .values = [&field] { return std::vector{std::to_string(field)}; }};
}

}  // namespace options
}  // namespace unroll
