#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "tabular/table_ensemble.h"
#include "unroll/table_model.h"

namespace unroll {

/// The error of predictions; smaller is better.
using ErrorOf = std::function<double(std::span<const double> predictions)>;

/// For each input of the model, the increase of the error of its predictions for `rows` if the column's cells are
/// permuted among these rows (Breiman: Random Forests. Machine Learning 45, 2001). `error_of` takes one prediction for
/// each row; the rows should not be training rows of the model. A column's permutation depends only on `seed`, `fold`
/// and its index in the table.
std::vector<ColumnImportance> permutation_importance(const TableEnsemble& model, const TableView& rows,
                                                     const ErrorOf& error_of, std::uint64_t seed, std::uint32_t fold);

}  // namespace unroll
