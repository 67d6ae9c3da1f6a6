#include <fmt/format.h>
#include <utf8.h>

#include <nlohmann/json.hpp>

#include "unroll/options.h"

namespace unroll {

namespace {

using Json = nlohmann::ordered_json;

Json text_to_json(const std::string& text) {
  if (utf8::is_valid(text.begin(), text.end())) return text;
  Json bytes = Json::array();
  for (const char byte : text) bytes.push_back(static_cast<unsigned char>(byte));
  return bytes;
}

Json value_to_json(Option::Type type, const std::string& text) {
  switch (type) {
    case Option::Type::text:
      break;
    case Option::Type::integer:
    case Option::Type::number: {
      Json number = Json::parse(text, nullptr, false);
      if (!number.is_number()) throw OptionError(fmt::format("'{}' is no number", text));
      if (type == Option::Type::integer) return number;
      return number.get<double>();
    }
    case Option::Type::boolean:
      return text == "true";
  }
  return text_to_json(text);
}

bool is_bytes(const Json& json) {
  return json.is_array() && !json.empty() && std::ranges::all_of(json, [](const Json& byte) {
           return byte.is_number_unsigned() && byte.get<std::uint64_t>() <= 255;
         });
}

std::string value_from_json(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_boolean()) return json.get<bool>() ? "true" : "false";
  if (json.is_number_float()) return options::text_of(json.get<double>());
  if (json.is_number_unsigned()) return fmt::format("{}", json.get<std::uint64_t>());
  if (json.is_number_integer()) return fmt::format("{}", json.get<std::int64_t>());
  if (!is_bytes(json)) throw IllegalValue{};
  std::string text;
  for (const Json& byte : json) text += static_cast<char>(byte.get<unsigned char>());
  return text;
}

}  // namespace

std::string options_json(std::span<const OptionGroup> groups, const OptionValues& values) {
  Json json = Json::object();
  for (const OptionGroup& group : groups) {
    for (const Option& option : group.options) {
      const auto found = values.find(option.name);
      if (found == values.end() || found->second.empty()) continue;
      Json& value = json[option.name];
      if (!option.is_list()) {
        value = value_to_json(option.type, found->second.back());
        continue;
      }
      value = Json::array();
      for (const std::string& text : found->second) value.push_back(text_to_json(text));
    }
  }
  return json.dump();
}

OptionValues values_from_json(std::string_view text, const std::string& place) {
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) throw Error(ExitCode::bad_data, fmt::format("{}: its settings are not readable", place));
  OptionValues values;
  for (const auto& [name, value] : json.items()) {
    try {
      if (!value.is_array() || is_bytes(value)) {
        values[name].push_back(value_from_json(value));
        continue;
      }
      for (const Json& element : value) values[name].push_back(value_from_json(element));
    } catch (const IllegalValue&) {
      throw Error(ExitCode::bad_data, fmt::format("{}: its setting {} is not readable", place, name));
    }
  }
  return values;
}

}  // namespace unroll
