#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "table/raw_cells.h"
#include "unroll/table.h"

namespace unroll {

/// Builds a column of one kind from the cells of a CSV file.
class ColumnMaker {
 public:
  ColumnMaker(std::string name, RawCells cells, std::int64_t rows);

  /// Uses `kind` if given, otherwise the kind that the rules of Table select.
  Column make(std::optional<ColumnKind> kind) &&;

 private:
  using Parse = std::optional<double> (*)(std::string_view);

  ColumnKind likely_kind();
  bool keep_numbers(Parse parse, std::int64_t max_unparsed);
  void keep_levels();
  void keep_tokens();
  void keep_texts();

  Column column_;
  RawCells cells_;
};

}  // namespace unroll
