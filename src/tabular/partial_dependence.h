#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tabular/table_model.h"

namespace unroll {

/// The mean prediction of a model if all rows have one value of a column.
struct DependencePoint {
  double number = 0;       ///< value of a number; days of a date
  std::string level = {};  ///< level of a category; token of a list
  bool missing = false;    ///< the value is a missing cell
  std::int64_t rows = 0;   ///< number of rows of the table with this value
  double prediction = 0;   ///< mean prediction
};

struct PartialDependence {
  TableInput input;
  std::vector<DependencePoint> points;
};

/// Partial dependence of the predictions on one input (Friedman: Greedy Function Approximation: A Gradient Boosting
/// Machine. Annals of Statistics 29, 2001): mean predictions over `rows`, at least one, with their other cells
/// unchanged. The values come from the whole table:
/// - number, date: up to 25 quantiles from 0.5 % to 99.5 %, ascending, then missing, if any cell is;
/// - category: the 12 most frequent levels, missing included;
/// - list: cells with each of the 12 most frequent tokens, missing included;
/// - text: none.
PartialDependence partial_dependence(const TableModel& model, const TableView& rows, const TableInput& input);

}  // namespace unroll
