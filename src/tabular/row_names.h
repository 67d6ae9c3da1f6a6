#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "unroll/table.h"

namespace unroll {

/// Names of the rows in a file of predictions: the cells of the column `id`, or the row numbers from 1 if `id` is
/// empty. Throws Error: bad_data for a row without an id; usage if the column is missing or one of dates or lists,
/// whose cells are not kept as they are.
class RowNames {
 public:
  RowNames(const Table& table, const std::string& id);
  std::string header() const;
  std::string operator[](std::int64_t row) const;

 private:
  const Column* column_ = nullptr;
};

/// The text as a cell of a comma-separated file, quoted if needed.
std::string csv_cell(std::string_view text);

/// The text of a cell of numbers that is neither missing nor a number.
const std::string& unparsed_text(const Column& column, std::int64_t row);

}  // namespace unroll
