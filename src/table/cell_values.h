#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unroll {

// Parsers for one cell of a table; see Table for the rules. All but trimmed() take a cell without surrounding spaces.

/// `text` without spaces and tabs at both ends.
inline std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char byte) { return byte == ' ' || byte == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool matches_missing_word(std::string_view text);
inline bool is_missing_word(std::string_view text) {
  if (text.empty() || text.size() > 4) return false;
  const char first = text.front();
  return (first == 'N' || first == 'n' || first == '?') && matches_missing_word(text);
}

/// A finite decimal number; it may have a sign, a dollar sign, and commas between groups of three digits.
std::optional<double> parse_number(std::string_view text);

/// True for 007, but not for 7 or 0.7.
bool has_leading_zero(std::string_view text);

/// Days since 1970-01-01 in the Gregorian calendar, from 2020-01-31, 2020-01-31 23:59, 2020-01-31T23:59:59 or 1/31/2020
/// (month first). A time of day becomes a fraction; seconds may have decimals; a Z or an offset after them is ignored.
std::optional<double> parse_date(std::string_view text);

/// Calls take(token) for each comma-separated part, without surrounding spaces; skips empty parts.
template <class Take>
void for_each_token(std::string_view text, Take&& take) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (const std::string_view token = trimmed(text.substr(0, comma)); !token.empty()) take(token);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
}

}  // namespace unroll
