#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/metric.h"
#include "cli/table_results.h"
#include "data/folds.h"
#include "tables/permutation_importance.h"
#include "tables/table_model.h"

namespace unroll::cli {

/// A model is made in the same way for each fold and for all rows.
struct Learner {
  TableTask task;
  TableLearning learning;

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
  std::vector<OutOfFold> predictions;   ///< by row
  std::vector<Importance> importances;  ///< the largest first; 0 for a fold whose model does not read the column
  MeanAndDeviation training, validation;
};

/// Learns from each fold and measures it; `on_fold` hears of each. `targets`: of all rows.
TableValidation validate(const Table& table, std::span<const double> targets, const std::vector<Fold>& folds,
                         const Learner& learner, Metric metric, const std::function<void(const FoldResult&)>& on_fold);

}  // namespace unroll::cli
