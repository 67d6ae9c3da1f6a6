#include "cli/table_validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/format.h"
#include "cli/output.h"

namespace unroll::cli {

namespace {

std::vector<double> at(std::span<const double> values, Rows rows) {
  std::vector<double> result;
  result.reserve(rows.size());
  for (const std::int64_t row : rows) result.push_back(values[static_cast<std::size_t>(row)]);
  return result;
}

}  // namespace

TableValidation validate(const Table& table, std::span<const double> targets, const std::vector<Fold>& folds,
                         const Learner& learner, Metric metric) {
  TableValidation result;
  std::vector<double> training, validation;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    const Fold& fold = folds[i];
    const TableModel model = learner.fit({table, fold.training});
    const std::vector<double> predictions = model.predict({table, fold.validation});
    for (std::size_t j = 0; j < predictions.size(); ++j)
      result.predictions.push_back({.row = fold.validation[j], .fold = i + 1, .prediction = predictions[j]});
    training.push_back(score(metric, model.predict({table, fold.training}), at(targets, fold.training)));
    validation.push_back(score(metric, predictions, at(targets, fold.validation)));
    result.folds.push_back({.training_rows = static_cast<std::int64_t>(fold.training.size()),
                            .validation_rows = static_cast<std::int64_t>(fold.validation.size()),
                            .training = training.back(),
                            .validation = validation.back(),
                            .choices = model.choices()});
    say(fmt::format("fold {} of {}: training {}, validation {}", i + 1, folds.size(), score_text(training.back()),
                    score_text(validation.back())));
  }
  std::ranges::sort(result.predictions, {}, &OutOfFold::row);
  result.training = mean_and_deviation_of(training);
  result.validation = mean_and_deviation_of(validation);
  return result;
}

std::string score_text(double score) {
  return std::abs(score) < 10 ? fmt::format("{:.4f}", score) : four_digits(score);
}

std::string oof_text(const TableValidation& validation, const RowNames& names, std::span<const double> targets,
                     const std::string& target) {
  std::string text = fmt::format("{},fold,{},prediction\n", names.header(), csv_cell(target));
  for (const OutOfFold& one : validation.predictions) {
    text += fmt::format("{},{},{},{}\n", names[one.row], one.fold, targets[static_cast<std::size_t>(one.row)],
                        one.prediction);
  }
  return text;
}

nlohmann::ordered_json json_of(const FoldResult& fold) {
  return {{"training_rows", fold.training_rows},
          {"validation_rows", fold.validation_rows},
          {"training", fold.training},
          {"validation", fold.validation},
          {"choices", fold.choices}};
}

}  // namespace unroll::cli
