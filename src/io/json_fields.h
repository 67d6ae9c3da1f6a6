#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "unroll/options.h"

namespace unroll {

/// True for an integer that fits into std::int64_t; larger ones would wrap around silently.
bool is_signed_integer(const nlohmann::json& value);

/// The value for a message: at most 40 bytes, and of a list or object only the number of its values.
std::string json_in_message(const nlohmann::json& value);

/// Parses a JSON object of at most `max_size` bytes, nested no deeper than `depth`, so that a hostile text costs no
/// more than its length. Strings are valid UTF-8. Throws Error(bad_data); `what` is the name of the text in messages.
nlohmann::json parse_json_object(const std::string& text, std::size_t max_size, int depth, const std::string& what);

/// Typed access to the fields of a JSON object. Throws Error(bad_data) if a field is missing or has another type.
class JsonFields {
 public:
  JsonFields(nlohmann::json object, std::string what) : object_(std::move(object)), what_(std::move(what)) {}

  int integer(const char* name) const;
  /// Assigns the field of the option's name, which must have the option's type.
  void assign_to(const Option& option) const;
  bool contains(const std::string& name) const { return object_.contains(name); }
  /// The field as it is.
  const nlohmann::json& field(const std::string& name) const;
  [[noreturn]] void refuse(const std::string& name, const std::string& legal) const;

 private:
  nlohmann::json object_;
  std::string what_;
};

}  // namespace unroll
