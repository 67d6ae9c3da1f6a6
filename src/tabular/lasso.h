#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace unroll {

/// Rows of features and their targets.
struct Samples {
  std::span<const double> features;  ///< [rows, width], row-major; zeros are skipped if width <= rows
  std::int64_t width = 0;
  std::span<const double> targets;  ///< [rows], at least one

  std::int64_t rows() const { return static_cast<std::int64_t>(targets.size()); }
  std::span<const double> row(std::int64_t i) const {
    return features.subspan(static_cast<std::size_t>(i * width), static_cast<std::size_t>(width));
  }
};

/// The function intercept + weights . features.
struct LinearFunction {
  std::vector<double> weights;
  double intercept = 0;

  double operator()(std::span<const double> features) const;
};

/// For each of the descending penalties, the function that minimises
///   1/(2 rows) sum (target - function)^2 + penalty sum |weight|;
/// the intercept is not penalised. Uses coordinate descent on the covariances; each solution starts from the one before
/// (Friedman, Hastie, Tibshirani: Regularization Paths for Generalized Linear Models via Coordinate Descent. J. Stat.
/// Softw. 33, 2010).
std::vector<LinearFunction> lasso_path(const Samples& samples, std::span<const double> penalties);

/// The residual of each target under a ridge regression on all other rows (ridge * sum of squared weights is added to
/// the sum of squared errors; the intercept is not penalised), computed from the leverages of a single regression.
std::vector<double> leave_one_out_residuals(const Samples& samples, double ridge);

/// The rows whose leave-one-out residual is within 3.5 standard deviations, estimated as 1.4826 times the median
/// absolute residual. The others are rows such as sales that were not real sales, and typing errors.
std::vector<std::int64_t> rows_without_outliers(const Samples& samples);

struct LassoFit {
  LinearFunction function;
  double penalty = 0;
  std::int64_t left_out = 0;  ///< number of outliers
};

/// Fits all rows but the outliers, with the best of 20 penalties in cross-validation on up to five folds drawn by
/// `seed`.
LassoFit fit_lasso(const Samples& samples, std::uint64_t seed);

}  // namespace unroll
