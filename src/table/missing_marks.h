#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/rows.h"

namespace unroll {

/// The cells of a table that TableOptions::missing_values take for missing.
struct MarkedCells {
  LineCount cells;
  std::vector<bool> found;  ///< for each of the missing values, whether a cell has it
};

/// The values of TableOptions::missing_values that count for one column.
class MissingMarks {
 public:
  /// `option`: the index of the value among all of the table.
  void add(std::string_view value, std::size_t option);
  bool empty() const { return marks_.empty(); }
  /// True if the cell is one of the values as it is written; `found` then says which.
  bool match(std::string_view cell, std::vector<bool>& found) const;
  /// True if the number, as the form of its column reads it, is one of the values; `found` then says which.
  bool match(double number, std::vector<bool>& found) const;

 private:
  struct Mark {
    std::string text;
    std::optional<double> number;
    std::size_t option = 0;
  };

  std::vector<Mark> marks_;
};

/// The column in COLUMN=VALUE: the longest part before an equals sign that is one of `names`, or, if none is, before
/// the last equals sign; nullopt in VALUE, which has no equals sign.
std::optional<std::string> column_of_missing_value(std::string_view text, std::span<const std::string> names);

}  // namespace unroll
