#include "table/cell_values.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "table/ascii.h"

namespace unroll {
namespace {

bool all_digits(std::string_view text) {
  for (const char byte : text) {
    if (!is_digit(byte)) return false;
  }
  return !text.empty();
}

/// Parses up to 15 digits, which a double holds exactly.
std::optional<std::int64_t> parse_digits(std::string_view text) {
  constexpr std::size_t most = 15;
  if (text.empty() || text.size() > most) return std::nullopt;
  std::int64_t number = 0;
  for (const char byte : text) {
    if (!is_digit(byte)) return std::nullopt;
    number = 10 * number + (byte - '0');
  }
  return number;
}

/// 1234567.8 from 1,234,567.8; nullopt if the commas do not separate groups of three digits.
std::optional<std::string> without_group_commas(std::string_view text) {
  const std::string_view whole = text.substr(0, text.find('.'));
  const std::size_t first = whole.find(',');
  std::string digits(whole.substr(0, first));
  if (!all_digits(digits) || digits.size() > 3 || digits[0] == '0') return std::nullopt;
  for (std::size_t at = first; at < whole.size(); at += 4) {
    const std::string_view group = whole.substr(at + 1, 3);
    if (whole[at] != ',' || group.size() != 3 || !all_digits(group)) return std::nullopt;
    digits += group;
  }
  return digits.append(text.substr(whole.size()));
}

std::optional<double> parse_plain_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<double> days_of(std::string_view year, std::string_view month, std::string_view day) {
  const auto y = parse_digits(year), m = parse_digits(month), d = parse_digits(day);
  if (!y || !m || !d || year.size() != 4 || month.size() > 2 || day.size() > 2) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*y)),
                                         std::chrono::month(static_cast<unsigned>(*m)),
                                         std::chrono::day(static_cast<unsigned>(*d)));
  if (!date.ok()) return std::nullopt;
  return static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count());
}

/// A time of day, such as 23:59 or 23:59:59.5, as a fraction of a day.
std::optional<double> part_of_day(std::string_view text) {
  if (text.size() < 5 || text[2] != ':') return std::nullopt;
  const auto hours = parse_digits(text.substr(0, 2)), minutes = parse_digits(text.substr(3, 2));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  text.remove_prefix(5);
  double seconds = 0;
  if (text.starts_with(':')) {
    const char* const begin = text.data() + 1;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(begin, end, seconds, std::chars_format::fixed);
    if (error != std::errc() || !is_digit(*begin) || seconds > 60) return std::nullopt;
    text = std::string_view(rest, static_cast<std::size_t>(end - rest));
  }
  const bool is_zone = text.empty() || text == "Z" || ((text[0] == '+' || text[0] == '-') && text.size() <= 6);
  if (!is_zone) return std::nullopt;
  return (static_cast<double>(60 * *hours + *minutes) * 60 + seconds) / 86400;
}

std::optional<double> parse_iso_date(std::string_view text) {
  constexpr std::size_t date_size = 10;
  if (text.size() < date_size || text[7] != '-') return std::nullopt;
  const auto days = days_of(text.substr(0, 4), text.substr(5, 2), text.substr(8, 2));
  if (!days || text.size() == date_size) return days;
  if (text[date_size] != 'T' && text[date_size] != ' ') return std::nullopt;
  const auto part = part_of_day(text.substr(date_size + 1));
  return part ? std::optional(*days + *part) : std::nullopt;
}

std::optional<double> parse_us_date(std::string_view text) {
  const std::size_t first = text.find('/');
  const std::size_t second = text.find('/', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  return days_of(text.substr(second + 1), text.substr(0, first), text.substr(first + 1, second - first - 1));
}

}  // namespace

bool matches_missing_word(std::string_view text) {
  constexpr std::array<std::string_view, 9> words = {"NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?"};
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

std::optional<double> parse_number(std::string_view text) {
  if (const auto digits = parse_digits(text)) return static_cast<double>(*digits);
  double sign = 1;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
  }
  if (text.starts_with('$')) text.remove_prefix(1);
  if (text.empty() || (!is_digit(text[0]) && text[0] != '.')) return std::nullopt;  // from_chars would take inf and -1
  std::optional<double> size;
  if (text.find(',') == std::string_view::npos) {
    size = parse_plain_number(text);
  } else if (const auto plain = without_group_commas(text)) {
    const bool decimal_comma = plain->find('.') == std::string::npos && plain->find_first_of("eE") != std::string::npos;
    if (!decimal_comma) size = parse_plain_number(*plain);  // 1,234E+05
  }
  return size ? std::optional(sign * *size) : std::nullopt;
}

bool has_leading_zero(std::string_view text) { return text.size() > 1 && text[0] == '0' && is_digit(text[1]); }

std::optional<double> parse_date(std::string_view text) {
  if (text.size() < 8 || !is_digit(text[0])) return std::nullopt;
  return text[4] == '-' ? parse_iso_date(text) : parse_us_date(text);
}

std::string date_text(double days) {
  const std::chrono::year_month_day date(std::chrono::sys_days(std::chrono::days(static_cast<int>(std::floor(days)))));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

}  // namespace unroll
