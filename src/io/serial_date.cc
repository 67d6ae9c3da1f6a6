#include "io/serial_date.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

namespace unroll {
namespace {

constexpr std::int64_t second = 1000, day = 86400 * second;

char lower(char byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte | 0x20) : byte; }

bool begins_with(std::string_view text, std::string_view lower_word) {
  if (text.size() < lower_word.size()) return false;
  for (std::size_t i = 0; i < lower_word.size(); ++i) {
    if (lower(text[i]) != lower_word[i]) return false;
  }
  return true;
}

/// Size of what stands at the begin of a format and has no meaning of its own: a text in quotes, an escaped character,
/// the width of one, something in brackets other than elapsed time, am/pm; else 0.
std::size_t size_without_meaning(std::string_view code) {
  const auto through = [&](char closing) {
    const std::size_t end = code.find(closing, 1);
    return end == std::string_view::npos ? code.size() : end + 1;
  };
  if (code[0] == '"') return through('"');
  if (code[0] == '\\' || code[0] == '_' || code[0] == '*') return std::min<std::size_t>(2, code.size());
  if (code[0] == '[' && !begins_with(code, "[h") && !begins_with(code, "[m") && !begins_with(code, "[s"))
    return through(']');
  if (begins_with(code, "[mag")) return through(']');  // [Magenta], a color
  for (const std::string_view word : {"general", "am/pm", "a/p"}) {
    if (begins_with(code, word)) return word.size();
  }
  return 0;
}

std::string hours_text(std::int64_t milliseconds) {
  const std::int64_t seconds = milliseconds / second, rest = milliseconds % second;
  std::string text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  return rest == 0 ? text : text + fmt::format(".{:03}", rest);
}

/// The number that `size` digits at `at` write.
std::optional<int> digits_at(std::string_view text, std::size_t at, std::size_t size) {
  if (at + size > text.size()) return std::nullopt;
  int number = 0;
  for (const char byte : text.substr(at, size)) {
    if (byte < '0' || byte > '9') return std::nullopt;
    number = 10 * number + (byte - '0');
  }
  return number;
}

std::int64_t milliseconds_of(std::chrono::year_month_day date) {
  return std::chrono::sys_days(date).time_since_epoch().count() * day;
}

}  // namespace

NumberMeaning meaning_of_format(int id) {
  const auto within = [id](int first, int last) { return id >= first && id <= last; };
  if (id == 9 || id == 10) return NumberMeaning::percentage;
  if (within(18, 21) || within(32, 35) || within(45, 47)) return NumberMeaning::time;
  return within(14, 17) || id == 22 || within(27, 36) || within(50, 58) ? NumberMeaning::date : NumberMeaning::number;
}

NumberMeaning meaning_of_format(std::string_view code) {
  bool date = false, time = false, month_or_minute = false, percentage = false;
  while (!code.empty() && code[0] != ';') {
    if (const std::size_t size = size_without_meaning(code); size > 0) {
      code.remove_prefix(size);
      continue;
    }
    const char byte = lower(code[0]);
    date = date || byte == 'y' || byte == 'd';
    time = time || byte == 'h' || byte == 's' || byte == '[';  // [h] and others: elapsed time
    month_or_minute = month_or_minute || byte == 'm';
    percentage = percentage || byte == '%';
    code.remove_prefix(1);
  }
  if (date || (month_or_minute && !time)) return NumberMeaning::date;
  if (time) return NumberMeaning::time;
  return percentage ? NumberMeaning::percentage : NumberMeaning::number;
}

std::optional<std::int64_t> milliseconds_of_serial(double days, bool from_1904) {
  using namespace std::chrono_literals;
  const double max_days = from_1904 ? 2957004 : 2958466;  // 10000-01-01
  if (!(days >= 0 && days < max_days)) return std::nullopt;
  const std::int64_t since_epoch = std::llround(days * static_cast<double>(day));
  if (from_1904) return milliseconds_of(1904y / 1 / 1) + since_epoch;
  constexpr std::int64_t leap_day = 60;  // 1900-02-29
  if (since_epoch / day == leap_day) return std::nullopt;
  return milliseconds_of(since_epoch / day < leap_day ? 1899y / 12 / 31 : 1899y / 12 / 30) + since_epoch;
}

std::optional<std::int64_t> milliseconds_of_iso(std::string_view text) {
  const auto year = digits_at(text, 0, 4), month = digits_at(text, 5, 2), of_month = digits_at(text, 8, 2);
  if (!year || !month || !of_month || text[4] != '-' || text[7] != '-') return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year), std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*of_month))};
  if (!date.ok()) return std::nullopt;
  if (text.size() == 10) return milliseconds_of(date);
  const auto hours = digits_at(text, 11, 2), minutes = digits_at(text, 14, 2), seconds = digits_at(text, 17, 2);
  if (!hours || !minutes || !seconds || text[10] != 'T' || *hours > 23 || *minutes > 59 || *seconds > 59)
    return std::nullopt;
  double fraction = 0;
  if (text.size() > 19 && text[19] == '.') std::from_chars(text.data() + 19, text.data() + text.size(), fraction);
  return milliseconds_of(date) + ((*hours * 60 + *minutes) * 60 + *seconds) * second +
         std::llround(fraction * static_cast<double>(second));
}

bool has_time_of_day(std::int64_t milliseconds) { return milliseconds % day != 0; }

std::string iso_text(std::int64_t milliseconds, bool with_time) {
  const std::int64_t time = (milliseconds % day + day) % day;
  const std::chrono::year_month_day date(std::chrono::sys_days(std::chrono::days((milliseconds - time) / day)));
  std::string text = fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                                 static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return with_time ? text + " " + hours_text(time) : text;
}

std::optional<std::string> clock_text(double days) {
  constexpr double max_days = 1e4;
  if (!(days >= 0 && days < max_days)) return std::nullopt;
  return hours_text(std::llround(days * static_cast<double>(day)));
}

}  // namespace unroll
