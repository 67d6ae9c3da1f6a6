#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "data/raw_cells.h"
#include "unroll/table.h"

namespace unroll {

/// Makes a column of one kind out of the cells of a CSV file.
class ColumnMaker {
 public:
  ColumnMaker(std::string name, RawCells cells, std::int64_t rows);

  /// By the kind that is given, else by the one that Table describes.
  Column make(std::optional<ColumnKind> kind) &&;

 private:
  using Parse = std::optional<double> (*)(std::string_view);

  ColumnKind likely_kind();
  bool keep_numbers(Parse parse, std::int64_t most_misfits);
  void keep_levels();
  void keep_tokens();
  void keep_texts();

  Column column_;
  RawCells cells_;
};

}  // namespace unroll
