#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/metric.h"
#include "cli/table_results.h"
#include "table/folds.h"
#include "tabular/permutation_importance.h"
#include "tabular/table_model.h"

namespace unroll::cli {

/// Fits a model in the same way for each fold and for all rows.
struct Learner {
  TableTarget task;
  TableModelOptions learning;

  TableModel fit(const TableView& rows) const { return TableModel::fit(rows, task, learning); }
};

struct FoldResult {
  std::size_t number = 0;  ///< of the fold, from 1
  std::int64_t training_rows = 0, validation_rows = 0;
  double training = 0, validation = 0;  ///< scores
  nlohmann::ordered_json choices;       ///< of the model
  std::vector<ColumnImportance> importances;
};

nlohmann::ordered_json json_of(const FoldResult& fold);

struct TableValidation {
  std::vector<FoldResult> folds;
  std::vector<OutOfFold> predictions;   ///< sorted by row
  std::vector<Importance> importances;  ///< largest first; a fold whose model does not read the column counts as 0
  MeanAndDeviation training, validation;
};

/// Fits and scores a model per fold, and calls `on_fold` after each. `targets`: of all rows.
TableValidation validate(const Table& table, std::span<const double> targets, const std::vector<Fold>& folds,
                         const Learner& learner, Metric metric, const std::function<void(const FoldResult&)>& on_fold);

}  // namespace unroll::cli
