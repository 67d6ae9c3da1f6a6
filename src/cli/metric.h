#pragma once

#include <span>
#include <string>

#include "cli/words.h"

namespace unroll::cli {

/// How far predictions are from what they predict.
enum class Metric {
  log_rmse,  ///< root mean square of the errors of the logarithms
  rmse,      ///< root mean square error
  mae,       ///< mean absolute error
  r2         ///< share of the variance that is explained; the only one where more is better
};

inline const Words<Metric> metric_words = {
    {"log-rmse", Metric::log_rmse}, {"rmse", Metric::rmse}, {"mae", Metric::mae}, {"r2", Metric::r2}};

/// NaN where there is none: r2 of targets that are all equal.
double score(Metric metric, std::span<const double> predictions, std::span<const double> targets);

/// Dollars with four digits, shares and logarithms with four decimals.
std::string score_text(double score);

/// The score, or where more of it is better what it lacks of the best one: less is better.
double error(Metric metric, std::span<const double> predictions, std::span<const double> targets);

/// Mean and standard deviation (with n - 1; 0 of a single one).
struct MeanAndDeviation {
  double mean = 0, deviation = 0;
};
MeanAndDeviation mean_and_deviation_of(std::span<const double> numbers);

}  // namespace unroll::cli
