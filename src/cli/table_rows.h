#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tabular/table_model.h"
#include "unroll/table.h"

namespace unroll::cli {

/// Names of the rows in a file of predictions: the cells of the column `id`, which holds categories, or the row numbers
/// from 1 if `id` is empty. Throws Error(bad_data) for a row without an id.
class RowNames {
 public:
  RowNames(const Table& table, const std::string& id);
  std::string header() const;
  std::string operator[](std::int64_t row) const;

 private:
  const Column* column_ = nullptr;
};

/// Reads `file` with the columns of the model as the kinds that the model expects and, unless it is empty, `id` as
/// categories. Throws Error(usage) naming a missing column, and the errors of Table::read().
Table read_table_for(const TableModel& model, const std::string& file, const std::string& id);

/// The text as a cell of a comma-separated file, quoted if needed.
std::string csv_cell(std::string_view text);

}  // namespace unroll::cli
