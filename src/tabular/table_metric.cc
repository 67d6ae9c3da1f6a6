#include "tabular/table_metric.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace unroll {

std::optional<TableMetric> metric_named(std::string_view name) {
  for (const auto& [word, metric] : enum_names<TableMetric>()) {
    if (word == name) return metric;
  }
  return std::nullopt;
}

MeanAndDeviation mean_and_deviation_of(std::span<const double> numbers) {
  const auto count = static_cast<double>(numbers.size());
  const double mean = std::accumulate(numbers.begin(), numbers.end(), 0.0) / count;
  double squares = 0;
  for (const double number : numbers) squares += (number - mean) * (number - mean);
  return {.mean = mean, .deviation = count > 1 ? std::sqrt(squares / (count - 1)) : 0};
}

double score(TableMetric metric, std::span<const double> predictions, std::span<const double> targets) {
  double squares = 0, sizes = 0, logarithms = 0, variance = 0;
  const double mean = mean_and_deviation_of(targets).mean;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const double error = predictions[i] - targets[i];
    squares += error * error;
    sizes += std::abs(error);
    variance += (targets[i] - mean) * (targets[i] - mean);
    if (metric == TableMetric::log_rmse) logarithms += std::pow(std::log(predictions[i]) - std::log(targets[i]), 2);
  }
  const auto count = static_cast<double>(targets.size());
  switch (metric) {
    case TableMetric::log_rmse:
      return std::sqrt(logarithms / count);
    case TableMetric::rmse:
      return std::sqrt(squares / count);
    case TableMetric::mae:
      return sizes / count;
    case TableMetric::r2:
      return variance > 0 ? 1 - squares / variance : std::numeric_limits<double>::quiet_NaN();
  }
  return 0;
}

double error(TableMetric metric, std::span<const double> predictions, std::span<const double> targets) {
  const double result = score(metric, predictions, targets);
  return metric == TableMetric::r2 ? 1 - result : result;
}

}  // namespace unroll
