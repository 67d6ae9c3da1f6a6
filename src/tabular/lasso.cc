#include "tabular/lasso.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "table/number_summary.h"
#include "table/table_view.h"
#include "tabular/coordinate_descent.h"
#include "tabular/wide_regression.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int penalties_tried = 20;
constexpr double max_penalty = 0.025, min_penalty = 3.75e-4;  // times the target's standard deviation
constexpr double wide_min_penalty = 0.01;                     // times the largest penalty
constexpr int inner_folds = 5;
constexpr double outlier_ridge = 30;
constexpr double outlier_limit = 3.5;
constexpr double normal_deviations_per_median = 1.4826;  // of the absolute values of normal numbers

/// The nonzero features of a row. Most features are zero in most rows, so loops over rows visit only these.
struct SparseRow {
  std::vector<Eigen::Index> places;
  std::vector<double> values;

  void take(std::span<const double> features) {
    places.clear();
    values.clear();
    for (std::size_t i = 0; i < features.size(); ++i) {
      if (features[i] == 0) continue;
      places.push_back(static_cast<Eigen::Index>(i));
      values.push_back(features[i]);
    }
  }
};

/// Sums over rows. They can be subtracted: the sums of a fold's training rows are those of all rows minus those of its
/// validation rows.
struct Sums {
  double rows = 0, target = 0, target_squared = 0;
  VectorXd features, with_target;
  MatrixXd products;  // lower triangle

  explicit Sums(std::int64_t width)
      : features(VectorXd::Zero(width)), with_target(VectorXd::Zero(width)), products(MatrixXd::Zero(width, width)) {}

  void add(const SparseRow& row, double y) {
    rows += 1;
    target += y;
    target_squared += y * y;
    for (std::size_t i = 0; i < row.places.size(); ++i) {
      const double value = row.values[i];
      features[row.places[i]] += value;
      with_target[row.places[i]] += value * y;
      double* column = products.col(row.places[i]).data();
      for (std::size_t j = i; j < row.places.size(); ++j) column[row.places[j]] += value * row.values[j];
    }
  }
  void add(const Sums& other, double sign) {
    rows += sign * other.rows;
    target += sign * other.target;
    target_squared += sign * other.target_squared;
    features += sign * other.features;
    with_target += sign * other.with_target;
    products += sign * other.products;
  }
};

Sums sums_of(const Samples& samples, std::span<const std::int64_t> rows) {
  Sums sums(samples.width);
  SparseRow row;
  for (const std::int64_t i : rows) {
    row.take(samples.row(i));
    sums.add(row, samples.targets[static_cast<std::size_t>(i)]);
  }
  return sums;
}

/// Covariances of features and targets.
struct Covariances {
  VectorXd means, with_target;
  MatrixXd features;
  double target_mean = 0, target_deviation = 0;

  explicit Covariances(const Sums& sums)
      : means(sums.features / sums.rows),
        with_target(sums.with_target / sums.rows),
        features(sums.products.selfadjointView<Eigen::Lower>()),
        target_mean(sums.target / sums.rows) {
    // The variance of a constant feature is rounding error: treat it as 0.
    constexpr double rounding = 1e-12;
    const VectorXd second_moments = features.diagonal() / sums.rows;
    features /= sums.rows;
    features.noalias() -= means * means.transpose();
    with_target -= target_mean * means;
    for (Eigen::Index j = 0; j < means.size(); ++j) {
      if (features(j, j) > rounding * second_moments[j]) continue;
      features.row(j).setZero();
      features.col(j).setZero();
      with_target[j] = 0;
    }
    const double second_moment = sums.target_squared / sums.rows, variance = second_moment - target_mean * target_mean;
    target_deviation = variance > rounding * second_moment ? std::sqrt(variance) : 0;
    if (target_deviation == 0) with_target.setZero();
  }
};

/// Keeps the gradient for all weights up to date; a step costs one column of covariances.
class CovarianceGradient {
 public:
  explicit CovarianceGradient(const Covariances& covariances)
      : covariances_(covariances), gradient_(covariances.with_target) {}

  Eigen::Index size() const { return gradient_.size(); }
  double target_deviation() const { return covariances_.target_deviation; }
  double variance(Eigen::Index j) const { return covariances_.features(j, j); }
  double operator()(Eigen::Index j) const { return gradient_[j]; }
  void add_to_weight(Eigen::Index j, double step) { gradient_.noalias() -= step * covariances_.features.col(j); }

 private:
  const Covariances& covariances_;
  VectorXd gradient_;
};

std::vector<LinearFunction> lasso_path(const Sums& sums, std::span<const double> penalties) {
  const Covariances covariances(sums);
  CoordinateDescent descent{CovarianceGradient(covariances)};
  std::vector<LinearFunction> path;
  for (const double penalty : penalties) {
    const VectorXd& weights = descent.minimise(penalty);
    path.push_back({{weights.begin(), weights.end()}, covariances.target_mean - covariances.means.dot(weights)});
  }
  return path;
}

std::vector<double> penalties_between(double largest, double smallest) {
  std::vector<double> penalties;
  for (int i = 0; i < penalties_tried; ++i) {
    const double share = static_cast<double>(i) / (penalties_tried - 1);
    penalties.push_back(largest > 0 ? largest * std::pow(smallest / largest, share) : 0);
  }
  return penalties;
}

using InnerFolds = std::vector<Fold>;  // their rows are rows of the samples

/// Paths for width <= rows. A fold's training sums are the sums of all rows minus its validation sums.
class PathsOfSums {
 public:
  PathsOfSums(const Samples& samples, Rows rows, const InnerFolds& folds) : all_(samples.width) {
    if (folds.empty()) all_ = sums_of(samples, rows);
    for (const Fold& fold : folds) all_.add(validations_.emplace_back(sums_of(samples, fold.validation)), 1);
  }
  std::vector<double> penalties() const {
    const double deviation = Covariances(all_).target_deviation;
    return penalties_between(max_penalty * deviation, min_penalty * deviation);
  }
  std::vector<LinearFunction> of_all(std::span<const double> penalties) const { return lasso_path(all_, penalties); }
  std::vector<LinearFunction> of_fold(std::size_t i, const Fold&, std::span<const double> penalties) const {
    Sums training = all_;
    training.add(validations_[i], -1);
    return lasso_path(training, penalties);
  }

 private:
  Sums all_;
  std::vector<Sums> validations_;
};

/// Paths for more features than rows.
class PathsOfRows {
 public:
  PathsOfRows(const Samples& samples, Rows rows) : samples_(samples), rows_(rows) {}
  /// Starts at the smallest penalty for which all weights are 0.
  std::vector<double> penalties() const {
    const double largest = wide_max_penalty(samples_, rows_);
    return penalties_between(largest, wide_min_penalty * largest);
  }
  std::vector<LinearFunction> of_all(std::span<const double> penalties) const {
    return wide_lasso_path(samples_, rows_, penalties);
  }
  std::vector<LinearFunction> of_fold(std::size_t, const Fold& fold, std::span<const double> penalties) const {
    return wide_lasso_path(samples_, fold.training, penalties);
  }

 private:
  const Samples& samples_;
  Rows rows_;
};

/// Uses the penalty with the least error in the folds; the largest one if there are no folds.
template <class Paths>
LassoFit fit_with(const Paths& paths, const Samples& samples, const InnerFolds& folds) {
  std::vector<double> penalties = paths.penalties();
  std::vector<double> errors(penalties.size(), 0.0);
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    const std::vector<LinearFunction> path = paths.of_fold(fold, folds[fold], penalties);
    for (const std::int64_t i : folds[fold].validation) {
      for (std::size_t p = 0; p < path.size(); ++p) {
        const double error = samples.targets[static_cast<std::size_t>(i)] - path[p](samples.row(i));
        errors[p] += error * error;
      }
    }
  }
  penalties.resize(static_cast<std::size_t>(std::ranges::min_element(errors) - errors.begin()) + 1);
  return {.function = paths.of_all(penalties).back(), .penalty = penalties.back()};
}

}  // namespace

double LinearFunction::operator()(std::span<const double> features) const {
  double sum = intercept;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * features[i];
  return sum;
}

std::vector<LinearFunction> lasso_path(const Samples& samples, std::span<const double> penalties) {
  const std::vector<std::int64_t> rows = all_rows(samples.rows());
  if (is_wide(samples.width, rows)) return wide_lasso_path(samples, rows, penalties);
  return lasso_path(sums_of(samples, rows), penalties);
}

std::vector<double> leave_one_out_residuals(const Samples& samples, double ridge) {
  const std::vector<std::int64_t> all = all_rows(samples.rows());
  if (is_wide(samples.width, all)) return wide_leave_one_out_residuals(samples, ridge);
  const Covariances covariances(sums_of(samples, all));
  const auto rows = static_cast<double>(samples.rows());
  MatrixXd system = rows * covariances.features;
  system.diagonal().array() += ridge;
  const MatrixXd inverse = system.llt().solve(MatrixXd::Identity(samples.width, samples.width));
  const VectorXd weights = rows * (inverse * covariances.with_target), towards_means = inverse * covariances.means;
  const double of_means = covariances.means.dot(towards_means),
               intercept = covariances.target_mean - covariances.means.dot(weights);
  std::vector<double> residuals;
  SparseRow row;
  for (std::int64_t i = 0; i < samples.rows(); ++i) {
    row.take(samples.row(i));
    double prediction = intercept, leverage = 1 / rows + of_means;
    for (std::size_t a = 0; a < row.places.size(); ++a) {
      const double* column = inverse.col(row.places[a]).data();
      double sum = -2 * towards_means[row.places[a]];
      for (std::size_t b = 0; b < row.places.size(); ++b) sum += column[row.places[b]] * row.values[b];
      leverage += row.values[a] * sum;
      prediction += row.values[a] * weights[row.places[a]];
    }
    // A single row has leverage 1, so its residual would be divided by 0.
    residuals.push_back((samples.targets[static_cast<std::size_t>(i)] - prediction) / std::max(1 - leverage, 1e-9));
  }
  return residuals;
}

std::vector<std::int64_t> rows_without_outliers(const Samples& samples) {
  const std::vector<double> residuals = leave_one_out_residuals(samples, outlier_ridge);
  std::vector<double> sizes;
  sizes.reserve(residuals.size());
  for (const double residual : residuals) sizes.push_back(std::abs(residual));
  std::ranges::sort(sizes);
  const double limit = outlier_limit * normal_deviations_per_median * quantile(sizes, 0.5);
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < samples.rows(); ++i) {
    if (limit == 0 || std::abs(residuals[static_cast<std::size_t>(i)]) <= limit) rows.push_back(i);
  }
  return rows;
}

LassoFit fit_lasso(const Samples& samples, std::uint64_t seed) {
  UNROLL_CHECK(samples.rows() > 0);
  const std::vector<std::int64_t> kept = rows_without_outliers(samples);
  const auto count = static_cast<std::int64_t>(kept.size());
  InnerFolds folds;
  if (count >= 2) {
    for (const Fold& fold : shuffled_folds(count, static_cast<int>(std::min<std::int64_t>(inner_folds, count)), seed))
      folds.push_back({take(kept, fold.training), take(kept, fold.validation)});
  }
  LassoFit fit = is_wide(samples.width, kept) ? fit_with(PathsOfRows(samples, kept), samples, folds)
                                              : fit_with(PathsOfSums(samples, kept, folds), samples, folds);
  fit.left_out = samples.rows() - count;
  return fit;
}

}  // namespace unroll
