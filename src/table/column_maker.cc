#include "table/column_maker.h"

#include <limits>
#include <utility>

#include "table/cell_values.h"

namespace unroll {
namespace {

// Thresholds of the rules by which Table selects a kind.
constexpr std::int64_t codes_are_one_in = 100;
constexpr std::int64_t lists_are_one_in = 5;
constexpr std::int64_t max_token = 30;  // bytes on average
constexpr std::int64_t min_uses_per_token = 3;
constexpr std::int64_t min_text = 40;  // bytes on average

constexpr std::int64_t any_number = std::numeric_limits<std::int64_t>::max();

/// Calls take(cell, missing) for each cell in order; cells are trimmed, and words such as NA count as missing.
template <class Take>
void for_each_cell(const RawCells& cells, Take&& take) {
  cells.for_each([&](std::string_view text, bool missing) {
    const std::string_view cell = trimmed(text);
    take(cell, missing || is_missing_word(cell));
    return true;
  });
}

bool may_start_number(char byte) {
  return (byte >= '0' && byte <= '9') || byte == '-' || byte == '+' || byte == '.' || byte == '$';
}

/// Counts over the cells that are neither missing nor empty, made in one pass before any cell is parsed.
struct Survey {
  std::int64_t filled = 0;
  std::int64_t bytes = 0;
  std::int64_t like_numbers = 0;  ///< first byte may start a number or a date
  std::int64_t like_codes = 0;    ///< like 007
  std::int64_t with_comma = 0;
};

Survey survey_of(const RawCells& cells) {
  Survey survey;
  for_each_cell(cells, [&](std::string_view cell, bool missing) {
    if (missing || cell.empty()) return;
    ++survey.filled;
    survey.bytes += static_cast<std::int64_t>(cell.size());
    survey.like_numbers += may_start_number(cell.front()) ? 1 : 0;
    survey.like_codes += has_leading_zero(cell) ? 1 : 0;
    survey.with_comma += cell.size() > 2 && cell.find(',') != std::string_view::npos ? 1 : 0;
  });
  return survey;
}

bool have_short_repeated_tokens(const RawCells& cells) {
  Levels tokens;
  std::int64_t uses = 0, bytes = 0;
  for_each_cell(cells, [&](std::string_view cell, bool missing) {
    if (missing) return;
    for_each_token(cell, [&](std::string_view token) {
      tokens.add(token);
      ++uses;
      bytes += static_cast<std::int64_t>(token.size());
    });
  });
  return uses >= min_uses_per_token * tokens.size() && bytes <= max_token * uses;
}

std::int64_t count_distinct(const RawCells& cells) {
  Levels distinct;
  for_each_cell(cells, [&](std::string_view cell, bool missing) {
    if (!missing && !cell.empty()) distinct.add(cell);
  });
  return distinct.size();
}

}  // namespace

ColumnMaker::ColumnMaker(std::string name, RawCells cells, std::int64_t rows) : cells_(std::move(cells)) {
  column_.name_ = std::move(name);
  column_.size_ = rows;
}

Column ColumnMaker::make(std::optional<ColumnKind> kind) && {
  column_.kind_ = kind ? *kind : likely_kind();
  switch (column_.kind_) {
    case ColumnKind::number:
      if (kind) keep_numbers(parse_number, any_number);
      break;
    case ColumnKind::date:
      if (kind) keep_numbers(parse_date, any_number);
      break;
    case ColumnKind::category:
      keep_levels();
      break;
    case ColumnKind::list:
      keep_tokens();
      break;
    case ColumnKind::text:
      keep_texts();
      break;
  }
  return std::move(column_);
}

/// If the kind is number or date, the parsed values are stored already.
ColumnKind ColumnMaker::likely_kind() {
  const Survey survey = survey_of(cells_);
  if (survey.filled == 0) return ColumnKind::category;
  if (2 * survey.like_numbers >= survey.filled) {
    const bool codes = survey.like_codes > 0 && codes_are_one_in * survey.like_codes >= survey.filled;
    if (!codes && keep_numbers(parse_number, survey.filled / 2)) return ColumnKind::number;
    if (keep_numbers(parse_date, survey.filled / 2)) return ColumnKind::date;
  }
  const bool commas = survey.with_comma > 0 && lists_are_one_in * survey.with_comma >= survey.filled;
  if (commas && have_short_repeated_tokens(cells_)) return ColumnKind::list;
  const bool long_cells = survey.bytes >= min_text * survey.filled;
  return long_cells && 2 * count_distinct(cells_) > survey.filled ? ColumnKind::text : ColumnKind::category;
}

/// Stores nothing and returns false if there are more than max_unparsed unparsed cells.
bool ColumnMaker::keep_numbers(Parse parse, std::int64_t max_unparsed) {
  std::vector<double> numbers;
  std::vector<UnparsedCell> unparsed;
  numbers.reserve(static_cast<std::size_t>(column_.size_));
  cells_.for_each([&](std::string_view text, bool missing) {
    const std::string_view cell = trimmed(text);
    double number = std::numeric_limits<double>::quiet_NaN();
    if (const auto parsed = parse(cell)) {
      number = *parsed;
    } else if (!missing && !cell.empty() && !is_missing_word(cell)) {
      unparsed.push_back({static_cast<std::int64_t>(numbers.size()), std::string(cell)});
    }
    numbers.push_back(number);
    return static_cast<std::int64_t>(unparsed.size()) <= max_unparsed;
  });
  if (static_cast<std::int64_t>(unparsed.size()) > max_unparsed) return false;
  column_.numbers_ = std::move(numbers);
  column_.unparsed_ = std::move(unparsed);
  return true;
}

void ColumnMaker::keep_levels() {
  column_.codes_.reserve(static_cast<std::size_t>(column_.size_));
  for_each_cell(cells_, [&](std::string_view cell, bool missing) {
    column_.codes_.push_back(missing ? -1 : column_.levels_.add(cell));
  });
}

void ColumnMaker::keep_tokens() {
  for_each_cell(cells_, [&](std::string_view cell, bool missing) {
    if (!missing) {
      for_each_token(cell, [&](std::string_view token) { column_.codes_.push_back(column_.levels_.add(token)); });
    }
    column_.ends_.append(column_.codes_.size(), missing);
  });
}

void ColumnMaker::keep_texts() {
  cells_.for_each([&](std::string_view text, bool missing) {
    const bool none = missing || is_missing_word(trimmed(text));
    column_.texts_.append(none ? "" : text, none);
    return true;
  });
}

}  // namespace unroll
