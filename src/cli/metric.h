#pragma once

#include <span>
#include <string>

#include "cli/enum_names.h"

namespace unroll::cli {

/// Measure of the error of predictions.
enum class Metric {
  log_rmse,  ///< root mean square of the errors of the logarithms
  rmse,      ///< root mean square error
  mae,       ///< mean absolute error
  r2         ///< share of variance explained; the only one for which higher is better
};

inline const EnumNames<Metric> metric_names = {
    {"log-rmse", Metric::log_rmse}, {"rmse", Metric::rmse}, {"mae", Metric::mae}, {"r2", Metric::r2}};

/// The value of the metric; NaN for r2 of targets that are all equal.
double score(Metric metric, std::span<const double> predictions, std::span<const double> targets);

/// Four decimals below 10 in magnitude, else four significant digits.
std::string score_text(double score);

/// The score, or 1 - score for r2: lower is better.
double error(Metric metric, std::span<const double> predictions, std::span<const double> targets);

/// Mean and sample standard deviation (n - 1; 0 for a single number).
struct MeanAndDeviation {
  double mean = 0, deviation = 0;
};
MeanAndDeviation mean_and_deviation_of(std::span<const double> numbers);

}  // namespace unroll::cli
