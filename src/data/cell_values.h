#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unroll {

// What one cell of a table can be read as; see Table for what counts. All but trimmed() take a cell without spaces
// around it.

/// Without spaces and tabs at both ends.
inline std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char byte) { return byte == ' ' || byte == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool is_one_of_the_words_for_missing(std::string_view text);
inline bool is_word_for_missing(std::string_view text) {
  if (text.empty() || text.size() > 4) return false;
  const char first = text.front();
  return (first == 'N' || first == 'n' || first == '?') && is_one_of_the_words_for_missing(text);
}

/// A finite decimal number, with a sign, a dollar sign and commas between groups of three digits where they are.
std::optional<double> parse_number(std::string_view text);

/// 007 rather than 7 or 0.7.
bool has_leading_zero(std::string_view text);

/// Days since 1970-01-01 in the Gregorian calendar, of 2020-01-31, 2020-01-31 23:59, 2020-01-31T23:59:59 or 1/31/2020
/// (month first). A time of day is a fraction; seconds may have decimals, Z or an offset behind them is not counted.
std::optional<double> parse_date(std::string_view text);

/// 2020-01-31, the other way round.
std::string date_text(double days);

/// Calls take(token) for each part between commas, without spaces around it; empty ones do not count.
template <class Take>
void for_each_token(std::string_view text, Take&& take) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (const std::string_view token = trimmed(text.substr(0, comma)); !token.empty()) take(token);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
}

}  // namespace unroll
