#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tables/table_model.h"
#include "unroll/table.h"

namespace unroll::cli {

/// What names each row in a file of predictions: the cells of the column `id`, which holds categories, or the number of
/// the row, from 1, where `id` is empty. Throws Error(bad_data) for a row without.
class RowNames {
 public:
  RowNames(const Table& table, const std::string& id);
  std::string header() const;
  std::string operator[](std::int64_t row) const;

 private:
  const Column* column_ = nullptr;
};

/// Reads `file` with the columns of the model as the kinds that it knows, and `id`, unless it is empty, as categories.
/// Throws Error(usage) that names a column which is not there; else what Table::read throws.
Table read_table_for(const TableModel& model, const std::string& file, const std::string& id);

/// As a cell of a CSV file with commas.
std::string csv_cell(std::string_view text);

}  // namespace unroll::cli
