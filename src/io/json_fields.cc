#include "io/json_fields.h"

#include <fmt/format.h>

#include <cstdint>
#include <limits>

namespace unroll {

using nlohmann::json;

bool is_signed_integer(const json& value) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return value.is_number_unsigned() ? value.get<std::uint64_t>() <= largest : value.is_number_integer();
}

std::string json_in_message(const json& value) {
  constexpr std::size_t longest = 40;
  if (value.is_structured()) return fmt::format("of {} values", value.size());
  return value.dump(-1, ' ', true, json::error_handler_t::replace).substr(0, longest);
}

json parse_json_object(const std::string& text, std::size_t max_size, int depth, const std::string& what) {
  if (text.size() > max_size) {
    throw Error(ExitCode::bad_data,
                fmt::format("{} has {} bytes; at most {} are expected", what, text.size(), max_size));
  }
  const auto check_depth = [&](int level, json::parse_event_t event, json&) {
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && level >= depth) throw Error(ExitCode::bad_data, fmt::format("{} is nested too deeply", what));
    return true;
  };
  json value;
  try {
    value = json::parse(text, check_depth);
  } catch (const json::exception&) {
    throw Error(ExitCode::bad_data, fmt::format("{} is not valid JSON; is the file damaged?", what));
  }
  if (!value.is_object()) throw Error(ExitCode::bad_data, fmt::format("{} is not a JSON object", what));
  return value;
}

int JsonFields::integer(const char* name) const {
  const json& value = field(name);
  if (!is_signed_integer(value)) refuse(name, "an integer");
  const auto wide = value.get<std::int64_t>();
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) refuse(name, "an integer");
  return static_cast<int>(wide);
}

void JsonFields::assign_to(const Option& option) const {
  const json& value = field(option.name);
  const bool is_text = value.is_string() && option.type == Option::Type::text;
  try {
    option.assign(is_text ? value.get<std::string>() : value.dump(-1, ' ', true, json::error_handler_t::replace));
  } catch (const IllegalValue& illegal) {
    refuse(option.name, illegal.legal);
  }
}

void JsonFields::refuse(const std::string& name, const std::string& legal) const {
  throw Error(ExitCode::bad_data,
              fmt::format("{}: {} is {}; it must be {}", what_, name, json_in_message(field(name)), legal));
}

const json& JsonFields::field(const std::string& name) const {
  const auto found = object_.find(name);
  if (found == object_.end()) throw Error(ExitCode::bad_data, fmt::format("{}: {} is missing", what_, name));
  return *found;
}

}  // namespace unroll
