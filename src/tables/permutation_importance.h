#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "tables/table_model.h"

namespace unroll {

/// What a model loses without the cells of a column.
struct ColumnImportance {
  std::string column;
  double increase = 0;  ///< of the error of its predictions
};

/// Less is better.
using ErrorOf = std::function<double(std::span<const double> predictions)>;

/// For each input of the model, how much the error of its predictions for `rows` grows where the column's cells are
/// permuted among these rows (Breiman: Random Forests. Machine Learning 45, 2001). `error_of` takes one prediction for
/// each row, which the model should not have learned of. The order of a column's cells depends on `seed`, `fold` and
/// the place of the column in the table alone.
std::vector<ColumnImportance> permutation_importance(const TableModel& model, const TableView& rows,
                                                     const ErrorOf& error_of, std::uint64_t seed, std::uint32_t fold);

}  // namespace unroll
