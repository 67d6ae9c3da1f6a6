#include "cli/table_rows.h"

#include <fmt/format.h>

#include "io/in_quotes.h"
#include "unroll/error.h"

namespace unroll::cli {

RowNames::RowNames(const Table& table, const std::string& id) {
  if (id.empty()) return;
  column_ = &table.column(id);
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    if (column_->is_missing(row))
      throw Error(ExitCode::bad_data, fmt::format("{}: line {}: the id {} is missing; give the row one", table.name(),
                                                  table.line(row), in_quotes(id)));
  }
}

std::string RowNames::header() const { return column_ == nullptr ? "row" : csv_cell(column_->name()); }

std::string RowNames::operator[](std::int64_t row) const {
  if (column_ == nullptr) return std::to_string(row + 1);
  return csv_cell(column_->levels()[column_->codes()[static_cast<std::size_t>(row)]]);
}

Table read_table_for(const TableModel& model, const std::string& file, const std::string& id) {
  TableOptions options;
  for (const TableInput& input : model.inputs()) options.as[input.name] = input.kind;
  if (!id.empty()) options.as[id] = ColumnKind::category;
  return Table::read(file, options);
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",;\t\"\r\n") == std::string_view::npos) return std::string(text);
  std::string cell = "\"";
  for (const char byte : text) cell += byte == '"' ? "\"\"" : std::string(1, byte);
  return cell + "\"";
}

}  // namespace unroll::cli
