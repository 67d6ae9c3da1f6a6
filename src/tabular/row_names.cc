#include "tabular/row_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {

RowNames::RowNames(const Table& table, const std::string& id) {
  if (id.empty()) return;
  column_ = &table.column(id);
  if (column_->kind() == ColumnKind::date || column_->kind() == ColumnKind::list)
    throw Error(fmt::format("{} {}: the column holds dates or lists; read it as categories, with {} {}",
                            option_name("id"), in_quotes(id), option_name("as"), in_quotes(id + "=category")));
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    if (column_->is_missing(row))
      throw Error(ExitCode::bad_data, fmt::format("{}: line {}: the id {} is missing; give the row one", table.name(),
                                                  table.line(row), in_quotes(id)));
  }
}

std::string RowNames::header() const { return column_ == nullptr ? "row" : csv_cell(column_->name()); }

std::string RowNames::operator[](std::int64_t row) const {
  if (column_ == nullptr) return std::to_string(row + 1);
  const auto place = static_cast<std::size_t>(row);
  switch (column_->kind()) {
    case ColumnKind::number: {
      const double number = column_->numbers()[place];
      return std::isnan(number) ? csv_cell(unparsed_text(*column_, row)) : fmt::format("{}", number);
    }
    case ColumnKind::text:
      return csv_cell(column_->text(row));
    default:
      return csv_cell(column_->levels()[column_->codes()[place]]);
  }
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",;\t|\"\r\n") == std::string_view::npos) return std::string(text);
  std::string cell = "\"";
  for (const char byte : text) cell += byte == '"' ? "\"\"" : std::string(1, byte);
  return cell + "\"";
}

const std::string& unparsed_text(const Column& column, std::int64_t row) {
  return std::ranges::lower_bound(column.unparsed(), row, {}, &UnparsedCell::row)->text;
}

}  // namespace unroll
