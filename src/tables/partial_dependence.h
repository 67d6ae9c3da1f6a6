#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tables/table_model.h"

namespace unroll {

/// What a model predicts on average where all rows have one value of a column.
struct DependencePoint {
  double number = 0;       ///< of a number; the days of a date
  std::string level = {};  ///< of a category; a token of a list
  bool missing = false;    ///< there is neither: the cell is missing
  std::int64_t rows = 0;   ///< of the table, that have this value
  double prediction = 0;   ///< mean
};

struct PartialDependence {
  TableInput input;
  std::vector<DependencePoint> points;
};

/// How the model's predictions depend on one of its inputs (Friedman: Greedy Function Approximation: A Gradient
/// Boosting Machine. Annals of Statistics 29, 2001): means over `rows`, at least one, whose other cells stay. The
/// values are taken from the whole table: up to 25 quantiles of a number or date from 0.5 % to 99.5 %, ascending; the
/// 12 most frequent levels of a category; and for each of the 12 most frequent tokens of a list cells that have it. A
/// missing cell is a value too, behind the numbers and among the levels. A text has no points.
PartialDependence partial_dependence(const TableModel& model, const TableView& rows, const TableInput& input);

}  // namespace unroll
