#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "cli/metric.h"
#include "cli/table_rows.h"
#include "data/folds.h"
#include "tables/table_model.h"

namespace unroll::cli {

/// A model is made in the same way for each fold and for all rows.
struct Learner {
  TableTask task;
  TableLearning learning;

  TableModel fit(const TableView& rows) const { return TableModel::fit(rows, task, learning); }
};

struct FoldResult {
  std::int64_t training_rows = 0, validation_rows = 0;
  double training = 0, validation = 0;  ///< scores
  nlohmann::ordered_json choices;       ///< of the model
};

nlohmann::ordered_json json_of(const FoldResult& fold);

/// A prediction for a row by a model that has not seen it.
struct OutOfFold {
  std::int64_t row = 0;
  std::size_t fold = 0;  ///< from 1
  double prediction = 0;
};

struct TableValidation {
  std::vector<FoldResult> folds;
  std::vector<OutOfFold> predictions;  ///< by row
  MeanAndDeviation training, validation;
};

/// Learns from each fold and measures it, saying each score on the way. `targets`: of all rows.
TableValidation validate(const Table& table, std::span<const double> targets, const std::vector<Fold>& folds,
                         const Learner& learner, Metric metric);

/// Dollars with four digits, shares and logarithms with four decimals.
std::string score_text(double score);

/// The file oof.csv: one line per prediction, with the name of its row.
std::string oof_text(const TableValidation& validation, const RowNames& names, std::span<const double> targets,
                     const std::string& target);

}  // namespace unroll::cli
