#include "table/number_survey.h"

#include <algorithm>
#include <utility>

#include "table/cell_values.h"

namespace unroll {
namespace {

constexpr std::size_t max_units = 20;
constexpr std::int64_t unit_share = 100;  // 1 % of the cells may lack the unit of the others

template <class Counts>
auto mode_of(const Counts& counts) {
  return std::ranges::max_element(counts, {}, [](const auto& entry) { return entry.second; });
}

bool is_zero(std::string_view body) {
  return std::ranges::none_of(body, [](char byte) { return byte >= '1' && byte <= '9'; });
}

}  // namespace

/// Counts the cell if it is a number in which a comma or point is a decimal mark only.
bool NumberSurvey::add_simple(std::int64_t row, std::string_view text) {
  const auto number = simple_number(text);
  if (!number) return false;
  const bool may_be_group = number->fraction == 3 && number->whole <= 3 && text[number->negative ? 1 : 0] != '0';
  if (may_be_group) return false;
  ++numbers;
  ++(number->digits == 0 ? bare_zeros : bare);
  if (number->mark == '.') point.add(row, text);
  if (number->mark == ',') {
    comma.add(row, text);
    not_plain.add(row, text);
  }
  return true;
}

void NumberSurvey::add_text(std::int64_t row, std::string_view text) {
  not_numbers.add(row, text);
  texts_with_comma += text.find(',') == std::string_view::npos ? 0 : 1;
}

void NumberSurvey::add(std::int64_t row, std::string_view text) {
  ++filled;
  if (add_simple(row, text)) return;
  const auto cell = take_number_apart(text);
  if (!cell) return add_text(row, text);
  const auto with_point = digits_before_exponent(*cell, '.'), with_comma = digits_before_exponent(*cell, ',');
  if (!with_point && !with_comma) return add_text(row, text);
  ++numbers;
  if (!with_comma) point.add(row, text);
  if (!with_point) comma.add(row, text);
  if (with_point && with_comma && with_point->text != with_comma->text)
    (with_point->group == ',' ? lone_comma : lone_point).add(row, text);
  if (!parse_number(text)) not_plain.add(row, text);
  if (!cell->currency.empty()) ++(cell->currency_behind ? currencies_behind : currencies)[std::string(cell->currency)];
  if (!cell->unit.empty()) {
    ++units[std::string(cell->unit)];
    ++with_unit;
    multiplied_units += cell->multiplier != 0 ? 1 : 0;
  } else if (cell->multiplier != 0) {
    ++multipliers[cell->multiplier];
  } else {
    ++(is_zero(cell->body) ? bare_zeros : bare);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const auto& digits = i == 0 ? with_point : with_comma;
    if (!digits || digits->group == 0) continue;
    ++groups[i][digits->group];
    indian[i] += digits->indian ? 1 : 0;
  }
}

NumberSurvey survey_numbers(const RawCells& cells, std::int64_t max_not_numbers) {
  NumberSurvey survey;
  std::int64_t row = 0;
  cells.for_each([&](std::string_view text, FieldType type) {
    const std::string_view cell = trimmed(text);
    if (type == FieldType::value && parse_number(cell)) {
      ++survey.filled;
      ++survey.numbers;
      ++survey.bare;
    } else if (type != FieldType::missing && !cell.empty() && !is_missing_word(cell))
      survey.add(row, cell);
    ++row;
    // House numbers before streets are followed by many units.
    const bool texts = survey.units.size() > max_units && 2 * survey.with_unit > survey.numbers;
    if (texts) survey.numbers = 0;
    return !texts && survey.not_numbers.cells <= max_not_numbers;
  });
  return survey;
}

DecimalChoice choose_decimal(const NumberSurvey& survey, const FileMarks& file) {
  if (file.given != 0) return {file.given, false};
  const char file_mark = file.some_comma && !file.some_point ? ',' : file.some_point && !file.some_comma ? '.' : '\0';
  const char of_delimiter = file.delimiter == ';' || file.delimiter == '\t' ? ',' : '.';
  if (survey.point.cells != survey.comma.cells) return {survey.comma.cells > survey.point.cells ? ',' : '.', false};
  if (survey.comma.cells > 0) return {of_delimiter, true};
  if (survey.lone_comma.cells > 0) {
    // A semicolon separates cells because the comma is taken, whatever other columns hold.
    const char mark = file_mark == 0 || file.delimiter == ';' ? of_delimiter : file_mark;
    const bool usual = file.delimiter == ',' && mark == '.' && survey.lone_point.cells == 0;
    return {mark, !usual};
  }
  if (survey.lone_point.cells > 0) return {file_mark == ',' ? ',' : '.', file_mark == ',' || file.delimiter != ','};
  return {file_mark == ',' ? ',' : '.', false};
}

NumberForm form_of(const NumberSurvey& survey, char decimal) {
  NumberForm form;
  form.decimal = decimal;
  const std::size_t side = decimal == ',' ? 1 : 0;
  const auto& groups = survey.groups[side];
  if (!groups.empty()) form.group = mode_of(groups)->first;
  form.indian = survey.indian[side] > 0;
  std::map<std::string, std::int64_t> currencies = survey.currencies;
  for (const auto& [currency, count] : survey.currencies_behind) currencies[currency] += count;
  if (!currencies.empty()) {
    form.currency = mode_of(currencies)->first;
    const auto before = survey.currencies.find(form.currency), behind = survey.currencies_behind.find(form.currency);
    form.currency_behind = behind != survey.currencies_behind.end() &&
                           (before == survey.currencies.end() || behind->second > before->second);
  }
  const std::int64_t not_zero = survey.filled - survey.bare_zeros;
  if (!survey.units.empty()) {
    const auto unit = mode_of(survey.units);
    // 1Fam in most rows and Duplex in others are levels. Codes such as 3B beside 4A are no billions, so numbers with
    // other units never multiply.
    if (unit_share * (not_zero - unit->second) > not_zero) return form;
    form.unit = unit->first;
    form.multiplied = survey.multiplied_units > 0;
  } else if (!survey.multipliers.empty()) {
    const bool one_for_all = survey.multipliers.size() == 1 && survey.bare == 0;
    if (one_for_all) form.unit = std::string(1, survey.multipliers.begin()->first);
    form.multiplied = !one_for_all;
  }
  return form;
}

}  // namespace unroll
