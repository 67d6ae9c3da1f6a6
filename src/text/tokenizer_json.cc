#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "io/json_fields.h"
#include "text/token_table.h"
#include "unroll/error.h"
#include "unroll/tokenizer.h"

namespace unroll {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t max_token_json = 1024;  // bytes for a token and its count: a word may be 128 escapes of six bytes
constexpr std::size_t max_rest = 65536;       // bytes of JSON beside the tokens

/// `size`: the number of values that the list must have, 0: any.
const json& list_of(const JsonFields& fields, const char* name, std::int64_t size) {
  const json& value = fields.field(name);
  if (!value.is_array() || (size > 0 && static_cast<std::int64_t>(value.size()) != size)) {
    fields.refuse(name, size > 0 ? fmt::format("a list of {} values, as vocabulary_size says", size) : "a list");
  }
  return value;
}

/// The bytes of a token; empty if it is not one of the unit.
std::string token_of(TokenUnit unit, const json& value) {
  if (unit == TokenUnit::byte) {
    constexpr std::int64_t max_byte = 255;
    if (!is_signed_integer(value) || value.get<std::int64_t>() < 0 || value.get<std::int64_t>() > max_byte) return {};
    return std::string(1, static_cast<char>(value.get<std::int64_t>()));
  }
  return value.is_string() ? value.get<std::string>() : std::string();
}

}  // namespace

std::string Tokenizer::to_json() const {
  ordered_json symbols = ordered_json::array(), counts = ordered_json::array();
  for (int id = 0; id < size(); ++id) {
    const std::string_view token = text(id);
    unit() == TokenUnit::byte ? symbols.push_back(static_cast<unsigned char>(token[0])) : symbols.push_back(token);
    counts.push_back(count(id));
  }
  ordered_json result;
  if (unit() != TokenUnit::character) result["unit"] = name_of(unit());  // version 0.1 knows characters only
  result["symbols"] = std::move(symbols);
  result["counts"] = std::move(counts);
  return result.dump();
}

Tokenizer Tokenizer::from_json(const std::string& document, const std::string& name, std::int64_t size) {
  const std::size_t max_json = max_token_json * static_cast<std::size_t>(size > 0 ? size : max_size) + max_rest;
  const JsonFields fields(parse_json_object(document, max_json, 2, name), name);
  TokenUnit unit = TokenUnit::character;
  if (fields.contains("unit")) fields.assign_to(options::choice("unit", unit, ""));
  std::vector<std::string> tokens;
  for (const json& symbol : list_of(fields, "symbols", size)) {
    std::string token = token_of(unit, symbol);
    if (const char* fault = fault_of(unit, token)) {
      throw Error(ExitCode::bad_data, fmt::format("{}: symbol {} is {}", name, tokens.size(), fault));
    }
    tokens.push_back(std::move(token));
  }
  std::vector<std::int64_t> counts;
  for (const json& count : list_of(fields, "counts", size)) {
    if (!is_signed_integer(count)) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: the count of symbol {} is not a 64-bit integer", name, counts.size()));
    }
    counts.push_back(count.get<std::int64_t>());
  }
  return checked_tokenizer(unit, tokens, std::move(counts), name);
}

}  // namespace unroll
