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

namespace {

/// The sum of squares is `sum` times the square of `scale`, a power of two: no square is lost or infinite.
struct SumOfSquares {
  double sum = 0, scale = 1;
};

template <class Number>
SumOfSquares sum_of_squares(std::size_t count, Number&& number) {
  double largest = 0;
  for (std::size_t i = 0; i < count; ++i) largest = std::max(largest, std::abs(number(i)));
  SumOfSquares result;
  if (largest > 0 && std::isfinite(largest)) result.scale = std::ldexp(1.0, std::ilogb(largest));
  for (std::size_t i = 0; i < count; ++i) {
    const double scaled = number(i) / result.scale;
    result.sum += scaled * scaled;
  }
  return result;
}

}  // namespace

double score(TableMetric metric, std::span<const double> predictions, std::span<const double> targets) {
  double sizes = 0, logarithms = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    sizes += std::abs(predictions[i] - targets[i]);
    if (metric == TableMetric::log_rmse) logarithms += std::pow(std::log(predictions[i]) - std::log(targets[i]), 2);
  }
  const double mean = mean_and_deviation_of(targets).mean;
  const SumOfSquares errors =
      sum_of_squares(targets.size(), [&](std::size_t i) { return predictions[i] - targets[i]; });
  const SumOfSquares variance = sum_of_squares(targets.size(), [&](std::size_t i) { return targets[i] - mean; });
  const auto count = static_cast<double>(targets.size());
  switch (metric) {
    case TableMetric::log_rmse:
      return std::sqrt(logarithms / count);
    case TableMetric::rmse:
      return std::sqrt(errors.sum / count) * errors.scale;
    case TableMetric::mae:
      return sizes / count;
    case TableMetric::r2:
      if (variance.sum == 0) return std::numeric_limits<double>::quiet_NaN();
      return 1 - errors.sum / variance.sum * std::pow(errors.scale / variance.scale, 2);
  }
  return 0;
}

double error(TableMetric metric, std::span<const double> predictions, std::span<const double> targets) {
  const double result = score(metric, predictions, targets);
  return metric == TableMetric::r2 ? 1 - result : result;
}

}  // namespace unroll
