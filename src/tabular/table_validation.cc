#include "tabular/table_validation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "tabular/permutation_importance.h"
#include "tabular/table_metric.h"

namespace unroll {
namespace {

/// Importances on at most 200 of the validation rows: more would take long and change little.
std::vector<ColumnImportance> importances_of(const TableEnsemble& model, const TrainingTable& table, Rows validation,
                                             std::size_t fold) {
  const std::vector<TableInput> inputs = model.inputs();
  if (inputs.size() > max_permuted_columns) {
    std::vector<ColumnImportance> not_measured;
    not_measured.reserve(inputs.size());
    for (const TableInput& input : inputs) not_measured.push_back({input.name, std::nan("")});
    return not_measured;
  }
  constexpr std::size_t max_rows = 200;
  const std::vector<std::int64_t> rows = evenly_spaced(validation, max_rows);
  const std::vector<double> truth = take(table.targets(), rows);
  const TableMetric metric = table.options().metric;
  const auto error_of = [&](std::span<const double> predictions) { return error(metric, predictions, truth); };
  return permutation_importance(model, {table.table(), rows}, error_of, table.options().seed,
                                static_cast<std::uint32_t>(fold));
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

FoldResult validate_fold(const TrainingTable& table, const Fold& fold, std::size_t number) {
  const TableMetric metric = table.options().metric;
  const TableEnsemble model = table.fit(fold.training);
  const std::vector<double> predictions = model.predict({table.table(), fold.validation});
  FoldResult result = {
      .number = number,
      .training_rows = static_cast<std::int64_t>(fold.training.size()),
      .validation_rows = static_cast<std::int64_t>(fold.validation.size()),
      .training = score(metric, model.predict({table.table(), fold.training}), take(table.targets(), fold.training)),
      .validation = score(metric, predictions, take(table.targets(), fold.validation)),
      .choices = model.choices().dump(),
      .importances = importances_of(model, table, fold.validation, number - 1)};
  for (std::size_t i = 0; i < predictions.size(); ++i)
    result.predictions.push_back({.row = fold.validation[i], .fold = number, .prediction = predictions[i]});
  return result;
}

TableValidation over_folds(std::vector<FoldResult> folds) {
  TableValidation result;
  std::vector<double> training, validation;
  for (const FoldResult& fold : folds) {
    training.push_back(fold.training);
    validation.push_back(fold.validation);
    result.predictions.insert(result.predictions.end(), fold.predictions.begin(), fold.predictions.end());
  }
  std::ranges::sort(result.predictions, {}, &OutOfFold::row);
  result.importances = importances_over(folds);
  result.training = mean_and_deviation_of(training);
  result.validation = mean_and_deviation_of(validation);
  result.folds = std::move(folds);
  return result;
}

}  // namespace unroll
