#include "cli/table_validation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace unroll::cli {

namespace {

/// Importances on at most 200 of the validation rows: more would take long and change little.
std::vector<ColumnImportance> importances_of(const TableModel& model, const Table& table,
                                             std::span<const double> targets, Rows validation, Metric metric,
                                             std::uint64_t seed, std::size_t fold) {
  const std::vector<TableInput> inputs = model.inputs();
  if (inputs.size() > max_permuted_columns) {
    std::vector<ColumnImportance> not_measured;
    not_measured.reserve(inputs.size());
    for (const TableInput& input : inputs) not_measured.push_back({input.name, std::nan("")});
    return not_measured;
  }
  constexpr std::size_t max_rows = 200;
  const std::vector<std::int64_t> rows = evenly_spaced(validation, max_rows);
  const std::vector<double> truth = take(targets, rows);
  const auto error_of = [&](std::span<const double> predictions) { return error(metric, predictions, truth); };
  return permutation_importance(model, {table, rows}, error_of, seed, static_cast<std::uint32_t>(fold));
}

std::vector<Importance> importances_over(const std::vector<FoldResult>& folds) {
  std::map<std::string, std::vector<double>> increases;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    for (const ColumnImportance& one : folds[i].importances) {
      std::vector<double>& of_column = increases[one.column];
      of_column.resize(folds.size(), 0.0);
      of_column[i] = one.increase;
    }
  }
  std::vector<Importance> importances;
  importances.reserve(increases.size());
  for (const auto& [column, of_column] : increases) importances.push_back({column, mean_and_deviation_of(of_column)});
  std::ranges::stable_sort(importances, std::greater<>(), [](const Importance& one) {
    return std::isnan(one.increase.mean) ? -std::numeric_limits<double>::infinity() : one.increase.mean;
  });
  return importances;
}

}  // namespace

TableValidation validate(const Table& table, std::span<const double> targets, const std::vector<Fold>& folds,
                         const Learner& learner, Metric metric, const std::function<void(const FoldResult&)>& on_fold) {
  TableValidation result;
  std::vector<double> training, validation;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    const Fold& fold = folds[i];
    const TableModel model = learner.fit({table, fold.training});
    const std::vector<double> predictions = model.predict({table, fold.validation});
    for (std::size_t j = 0; j < predictions.size(); ++j)
      result.predictions.push_back({.row = fold.validation[j], .fold = i + 1, .prediction = predictions[j]});
    training.push_back(score(metric, model.predict({table, fold.training}), take(targets, fold.training)));
    validation.push_back(score(metric, predictions, take(targets, fold.validation)));
    result.folds.push_back(
        {.number = i + 1,
         .training_rows = static_cast<std::int64_t>(fold.training.size()),
         .validation_rows = static_cast<std::int64_t>(fold.validation.size()),
         .training = training.back(),
         .validation = validation.back(),
         .choices = model.choices(),
         .importances = importances_of(model, table, targets, fold.validation, metric, learner.learning.seed, i)});
    on_fold(result.folds.back());
  }
  std::ranges::sort(result.predictions, {}, &OutOfFold::row);
  result.importances = importances_over(result.folds);
  result.training = mean_and_deviation_of(training);
  result.validation = mean_and_deviation_of(validation);
  return result;
}

nlohmann::ordered_json json_of(const FoldResult& fold) {
  return {{"training_rows", fold.training_rows},
          {"validation_rows", fold.validation_rows},
          {"training", fold.training},
          {"validation", fold.validation},
          {"choices", fold.choices}};
}

}  // namespace unroll::cli
