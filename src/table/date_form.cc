#include "table/date_form.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <utility>

#include "table/ascii.h"
#include "table/cell_values.h"

namespace unroll {
namespace {

constexpr int last_year_of_1900 = 69;  // two digits from here on are years of the twentieth century, as in POSIX

void skip_spaces(std::string_view& text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
}

/// Removes up to `most` digits; their number.
int take_digits(std::string_view& text, int most, int& number) {
  int digits = 0;
  number = 0;
  while (digits < most && !text.empty() && is_digit(text[0])) {
    number = 10 * number + (text[0] - '0');
    text.remove_prefix(1);
    ++digits;
  }
  return digits;
}

/// The month that the letters name in English, in full or by at least three letters; 0 if they name none.
int month_named(std::string_view letters) {
  static constexpr std::array<std::string_view, 12> months = {"january",   "february", "march",    "april",
                                                              "may",       "june",     "july",     "august",
                                                              "september", "october",  "november", "december"};
  if (letters.size() < 3) return 0;
  for (std::size_t i = 0; i < months.size(); ++i) {
    const auto same = [](char a, char b) { return to_lower(a) == b; };
    if (letters.size() <= months[i].size() && std::equal(letters.begin(), letters.end(), months[i].begin(), same)) {
      const bool abbreviated =
          letters.size() == 3 || letters.size() == months[i].size() || (letters.size() == 4 && i == 8);  // Sept
      if (abbreviated) return static_cast<int>(i + 1);
    }
  }
  return 0;
}

bool take_part(std::string_view& text, DateCell::Part& part) {
  constexpr int most = 4;
  if (text.empty()) return false;
  if (is_digit(text[0])) {
    part.digits = take_digits(text, most, part.number);
    const bool ordinal = text.size() >= 2 && (text.starts_with("st") || text.starts_with("nd") ||
                                              text.starts_with("rd") || text.starts_with("th"));
    if (ordinal && part.digits <= 2) text.remove_prefix(2);
    if (text.starts_with(". ")) text.remove_prefix(1);
    return text.empty() || !is_digit(text[0]);
  }
  std::size_t size = 0;
  while (size < text.size() && is_letter(text[size])) ++size;
  part = {month_named(text.substr(0, size)), 0};
  text.remove_prefix(size);
  if (size == 3 && text.starts_with(". ")) text.remove_prefix(1);
  return part.number > 0;
}

/// Removes / . - or spaces, which a comma may precede; 0 if there is none.
char take_separator(std::string_view& text) {
  if (text.starts_with(", ")) text.remove_prefix(1);
  if (text.empty() || std::string_view("/.- ").find(text[0]) == std::string_view::npos) return 0;
  const char separator = text[0];
  text.remove_prefix(1);
  if (separator == ' ') skip_spaces(text);
  return separator;
}

/// 12-hour times become 24-hour times; false if there is none such.
bool take_half_of_day(std::string_view& text, int& hours) {
  std::string_view rest = text;
  skip_spaces(rest);
  if (rest.size() < 2 || to_lower(rest[1]) != 'm' || (to_lower(rest[0]) != 'a' && to_lower(rest[0]) != 'p'))
    return true;
  if (hours < 1 || hours > 12) return false;
  hours = hours % 12 + (to_lower(rest[0]) == 'p' ? 12 : 0);
  text = rest.substr(2);
  return true;
}

bool is_zone(std::string_view text) {
  skip_spaces(text);
  if (text.empty() || text == "Z" || text == "z" || text == "UTC" || text == "GMT") return true;
  const auto is_offset = [](char byte) { return is_digit(byte) || byte == ':'; };
  return (text[0] == '+' || text[0] == '-') && text.size() >= 3 && text.size() <= 6 &&
         std::ranges::all_of(text.substr(1), is_offset);
}

/// A time of day with colons, or without if `basic`, as a fraction of a day.
std::optional<double> part_of_day(std::string_view text, bool basic) {
  int hours = 0, minutes = 0, whole = 0;
  double seconds = 0;
  const bool colons = text.size() > 2 && (text[1] == ':' || text[2] == ':');
  if (!colons && !basic) return std::nullopt;
  if (take_digits(text, 2, hours) == 0) return std::nullopt;
  if (colons) text.remove_prefix(1);
  if (take_digits(text, 2, minutes) != 2) return std::nullopt;
  if (colons && text.starts_with(':')) text.remove_prefix(1);
  const char* const begin = text.data();
  std::string_view rest = text;
  const bool has_seconds = take_digits(rest, 2, whole) > 0;
  if (has_seconds) {
    seconds = whole;
    if (rest.starts_with('.')) {
      const auto [end, error] = std::from_chars(begin, begin + text.size(), seconds, std::chars_format::fixed);
      if (error != std::errc()) return std::nullopt;
      rest = text.substr(static_cast<std::size_t>(end - begin));
    }
    text = rest;
  }
  if (!take_half_of_day(text, hours)) return std::nullopt;
  if (hours > 23 || minutes > 59 || seconds > 60 || !is_zone(text)) return std::nullopt;
  return (static_cast<double>(60 * hours + minutes) * 60 + seconds) / 86400;
}

bool take_basic_date(std::string_view& text, DateCell& cell) {
  constexpr std::size_t size = 8;
  if (text.size() < size || !std::all_of(text.begin(), text.begin() + size, is_digit)) return false;
  if (text.size() > size && is_digit(text[size])) return false;
  const std::array<int, 3> digits = {4, 2, 2};
  for (std::size_t i = 0; i < digits.size(); ++i)
    cell.parts[i].digits = take_digits(text, digits[i], cell.parts[i].number);
  return true;
}

bool take_separated_date(std::string_view& text, DateCell& cell) {
  if (!take_part(text, cell.parts[0])) return false;
  cell.separator = take_separator(text);
  if (cell.separator == 0 || !take_part(text, cell.parts[1])) return false;
  return take_separator(text) == cell.separator && take_part(text, cell.parts[2]);
}

struct Places {
  std::size_t year, month, day;
};
Places places_of(DateForm order) {
  if (order == DateForm::ymd) return {0, 1, 2};
  return order == DateForm::dmy ? Places{2, 1, 0} : Places{2, 0, 1};
}

std::optional<double> from_unix_seconds(std::string_view cell) {
  constexpr double limit = 1e11;  // the year 5138: calendar dates fit in an int
  const auto seconds = parse_number(cell);
  return seconds && std::abs(*seconds) < limit ? std::optional(*seconds / 86400) : std::nullopt;
}

}  // namespace

template <>
const EnumNames<DateForm>& enum_names<DateForm>() {
  static const EnumNames<DateForm> names = {
      {"ymd", DateForm::ymd}, {"dmy", DateForm::dmy}, {"mdy", DateForm::mdy}, {"unix", DateForm::unix_seconds}};
  return names;
}

std::optional<DateCell> take_date_apart(std::string_view text) {
  constexpr std::size_t shortest = 6;
  if (text.size() < shortest || (!is_digit(text[0]) && !is_letter(text[0]))) return std::nullopt;
  DateCell cell;
  const bool basic = take_basic_date(text, cell);
  if (!basic && !take_separated_date(text, cell)) return std::nullopt;
  if (text.empty()) return cell;
  if (text[0] != 'T' && text[0] != ' ' && !text.starts_with(", ")) return std::nullopt;
  const bool basic_time = text[0] == 'T';
  text.remove_prefix(text[0] == ',' ? 2 : 1);
  skip_spaces(text);
  const auto part = part_of_day(text, basic_time);
  if (!part) return std::nullopt;
  cell.part_of_day = *part;
  return cell;
}

std::optional<double> days_in_order(const DateCell& cell, DateForm order) {
  const Places places = places_of(order);
  const DateCell::Part &year = cell.parts[places.year], &month = cell.parts[places.month],
                       &day = cell.parts[places.day];
  if ((year.digits != 4 && year.digits != 2) || month.digits > 2 || day.digits < 1 || day.digits > 2)
    return std::nullopt;
  if (order == DateForm::ymd && year.digits == 2 && month.digits == 0) return std::nullopt;  // 31-Jan-20 ends in a year
  const int century = year.digits == 4 ? 0 : year.number >= last_year_of_1900 ? 1900 : 2000;
  const std::chrono::year_month_day date(std::chrono::year(century + year.number),
                                         std::chrono::month(static_cast<unsigned>(month.number)),
                                         std::chrono::day(static_cast<unsigned>(day.number)));
  if (!date.ok()) return std::nullopt;
  return static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count()) + cell.part_of_day;
}

std::optional<double> read_date(std::string_view text, DateForm form) {
  if (form == DateForm::unix_seconds) return from_unix_seconds(text);
  const auto cell = take_date_apart(text);
  return cell ? days_in_order(*cell, form) : std::nullopt;
}

DateSurvey survey_dates(const RawCells& cells, std::int64_t max_not_dates) {
  DateSurvey survey;
  std::int64_t row = -1;
  cells.for_each([&](std::string_view text, FieldType type) {
    ++row;
    const std::string_view cell = trimmed(text);
    if (type == FieldType::missing || cell.empty() || is_missing_word(cell)) return true;
    ++survey.filled;
    if (type == FieldType::value && parse_date(cell)) {  // read in every order, so it does not decide
      for (std::int64_t& readable : survey.readable) ++readable;
      return true;
    }
    const auto date = take_date_apart(cell);
    std::array<bool, 3> fits = {};
    for (std::size_t i = 0; date && i < fits.size(); ++i)
      fits[i] = days_in_order(*date, static_cast<DateForm>(i)).has_value();
    for (std::size_t i = 0; i < fits.size(); ++i) {
      survey.readable[i] += fits[i] ? 1 : 0;
      for (std::size_t j = 0; j < fits.size(); ++j) {
        if (fits[i] && !fits[j]) survey.only[i][j].add(row, cell);
      }
    }
    if (std::ranges::find(fits, true) != fits.end()) {
      survey.first.add(row, cell);
      ++survey.separators[static_cast<unsigned char>(date->separator)];
      for (std::size_t i = 0; i < survey.ends.size(); ++i) {
        const auto number = static_cast<std::size_t>(date->parts[2 * i].number);
        if (number < survey.ends[i].size()) survey.ends[i].set(number);
      }
    } else {
      survey.not_dates.add(row, cell);
    }
    return survey.not_dates.cells <= max_not_dates;
  });
  return survey;
}

DateChoice choose_order(const DateSurvey& survey, std::optional<DateForm> of_file) {
  const auto readable = [&](DateForm form) { return survey.readable[static_cast<std::size_t>(form)]; };
  const std::int64_t most = std::ranges::max(survey.readable);
  const std::int64_t slashes = survey.separators[static_cast<unsigned char>('/')];
  std::array<DateForm, 3> order = {DateForm::dmy, DateForm::mdy, DateForm::ymd};
  if (2 * slashes > survey.first.cells) std::swap(order[0], order[1]);
  const std::size_t begin = survey.ends[0].count(), end = survey.ends[1].count();
  if (2 * begin <= end) std::rotate(order.begin(), order.end() - 1, order.end());  // days vary more than years
  if (of_file) std::stable_partition(order.begin(), order.end(), [&](DateForm form) { return form == *of_file; });
  std::stable_sort(order.begin(), order.end(), [&](DateForm a, DateForm b) { return readable(a) > readable(b); });
  return {order[0], most > 0 && readable(order[1]) == most, order[1]};
}

bool are_basic_dates(const RawCells& cells) {
  constexpr double first = -25567, last = 47846;  // 1900-01-01 and 2100-12-31
  constexpr std::size_t size = 8;
  std::int64_t dates = 0;
  bool all = true;
  cells.for_each([&](std::string_view text, FieldType type) {
    const std::string_view cell = trimmed(text);
    if (type == FieldType::missing || cell.empty() || is_missing_word(cell)) return true;
    const auto days = cell.size() == size ? read_date(cell, DateForm::ymd) : std::nullopt;
    const auto date = days ? take_date_apart(cell) : std::nullopt;
    all = days && date->separator == 0 && *days >= first && *days <= last;
    ++dates;
    return all;
  });
  return all && dates >= 2;
}

}  // namespace unroll
