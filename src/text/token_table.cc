#include "text/token_table.h"

#include <fmt/format.h>
#include <utf8.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "io/utf8.h"
#include "text/code_points.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}; the model file is damaged", name, reason));
}

/// Makes a token of the table known to find(). False if it is there already.
bool add_to_index(TokenTable& table, std::int32_t id) {
  const std::string_view token = table.text(id);
  if (table.unit == TokenUnit::word) return table.words.emplace(token, id).second;
  std::int32_t& place = table.ids_from_1[code_of(table.unit, token)];
  if (place != 0) return false;
  place = id + 1;
  return true;
}

}  // namespace

const char* fault_of(TokenUnit unit, std::string_view token) {
  const bool valid = first_invalid_utf8(token) == token.size();
  switch (unit) {
    case TokenUnit::character:
      return valid && utf8::unchecked::distance(token.begin(), token.end()) == 1 ? nullptr : "not one character";
    case TokenUnit::byte:
      return token.size() == 1 ? nullptr : "not one byte";
    case TokenUnit::word:
      return valid && !token.empty() && token.size() <= Tokenizer::max_token_bytes
                 ? nullptr
                 : "not a text of 1 to 256 bytes of UTF-8";
  }
  return "of an unknown unit";
}

char32_t code_of(TokenUnit unit, std::string_view token) {
  if (unit == TokenUnit::byte) return static_cast<unsigned char>(token[0]);
  const char* position = token.data();
  return static_cast<char32_t>(utf8::unchecked::next(position));
}

std::string bytes_of(TokenUnit unit, char32_t code) {
  return unit == TokenUnit::byte ? std::string(1, static_cast<char>(code)) : utf8_of(code);
}

std::string described(TokenUnit unit, std::string_view token) {
  switch (unit) {
    case TokenUnit::character:
      return fmt::format("{} (U+{:04X})", in_quotes(token), static_cast<std::uint32_t>(code_of(unit, token)));
    case TokenUnit::byte:
      return fmt::format("0x{:02X}", static_cast<unsigned char>(token[0]));
    case TokenUnit::word:
      break;
  }
  return in_quotes(token);
}

Tokenizer checked_tokenizer(TokenUnit unit, const std::vector<std::string>& tokens, std::vector<std::int64_t> counts,
                            const std::string& name) {
  if (tokens.empty()) refuse(name, "no symbols");
  if (tokens.size() > Tokenizer::max_size) refuse(name, fmt::format("{} symbols", tokens.size()));
  if (counts.size() != tokens.size())
    refuse(name, fmt::format("{} symbols but {} counts", tokens.size(), counts.size()));
  auto table = std::make_shared<TokenTable>();
  table->unit = unit;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (const char* fault = fault_of(unit, tokens[id])) refuse(name, fmt::format("symbol {} is {}", id, fault));
    table->bytes += tokens[id];
    table->begins.push_back(table->bytes.size());
  }
  for (std::size_t id = 0; id < tokens.size(); ++id) {  // now that the bytes stay where they are
    if (!add_to_index(*table, static_cast<std::int32_t>(id))) {
      refuse(name, fmt::format("symbol {} {} is there twice", id, described(unit, tokens[id])));
    }
    if (counts[id] < 0 || counts[id] > std::numeric_limits<std::int64_t>::max() - table->total) {
      refuse(name, fmt::format("symbol {} has the count {}", id, counts[id]));
    }
    table->total += counts[id];
  }
  table->counts = std::move(counts);
  return tokenizer_of(std::move(table));
}

Tokenizer TokenCounts::tokenizer(TokenUnit unit, const std::string& name) const {
  std::vector<std::pair<std::string, std::int64_t>> order;
  codes_.for_each([&](char32_t code, std::int64_t count) { order.emplace_back(bytes_of(unit, code), count); });
  for (const auto& [word, count] : words_) order.emplace_back(word, count);
  constexpr char32_t bytes = 256;
  for (char32_t byte = 0; unit == TokenUnit::byte && byte < bytes; ++byte) {
    if (codes_.get(byte) == 0) order.emplace_back(bytes_of(unit, byte), 0);
  }
  if (order.empty()) return {};
  if (order.size() > Tokenizer::max_size) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: has {} distinct words; a vocabulary has at most {}: read it with {} char", name,
                            order.size(), Tokenizer::max_size, option_name("unit")));
  }
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::vector<std::string> tokens;
  std::vector<std::int64_t> counts;
  for (auto& [token, count] : order) {
    tokens.push_back(std::move(token));
    counts.push_back(count);
  }
  return checked_tokenizer(unit, tokens, std::move(counts), name);
}

}  // namespace unroll
