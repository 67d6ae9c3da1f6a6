#include "tables/lasso.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "data/folds.h"
#include "data/number_summary.h"

namespace unroll {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr int penalties_tried = 20;
constexpr double largest_penalty = 0.025, smallest_penalty = 3.75e-4;  // times the target's standard deviation
constexpr int inner_folds = 5;
constexpr double outlier_ridge = 30;
constexpr double outlier_limit = 3.5;
constexpr double normal_deviations_per_median = 1.4826;  // of the sizes of normal numbers

/// Most features are zero in most rows: whatever goes through the rows goes through what is left.
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

/// Sums over rows, which can be taken apart again: those of a fold's training rows are those of all without the fold's.
struct Sums {
  double rows = 0, target = 0, target_squared = 0;
  VectorXd features, with_target;
  MatrixXd products;  // below and on the diagonal

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

std::vector<std::int64_t> all_rows(const Samples& samples) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < samples.rows(); ++i) rows.push_back(i);
  return rows;
}

/// Per row, about the means.
struct Covariances {
  VectorXd means, with_target;
  MatrixXd features;
  double target_mean = 0, target_deviation = 0;

  explicit Covariances(const Sums& sums)
      : means(sums.features / sums.rows),
        with_target(sums.with_target / sums.rows),
        features(sums.products.selfadjointView<Eigen::Lower>()),
        target_mean(sums.target / sums.rows) {
    // What is left of a constant feature is rounding.
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

double soft_threshold(double value, double penalty) {
  return value > penalty ? value - penalty : value < -penalty ? value + penalty : 0;
}

/// Keeps the weights from one penalty to the next, and with them the covariances of features and residual.
class CoordinateDescent {
 public:
  explicit CoordinateDescent(const Covariances& covariances)
      : covariances_(covariances),
        gradient_(covariances.with_target),
        weights_(VectorXd::Zero(gradient_.size())),
        tolerance_(1e-8 * covariances.target_deviation) {}

  const VectorXd& minimise(double penalty) {
    constexpr int most_rounds = 100, most_sweeps = 2000;
    for (int round = 0; round < most_rounds; ++round) {
      const std::vector<Eigen::Index> active = active_features(penalty);
      for (int sweep = 0; sweep < most_sweeps && largest_step(active, penalty) > tolerance_; ++sweep) continue;
      if (!is_violated(penalty)) break;
    }
    return weights_;
  }

 private:
  std::vector<Eigen::Index> active_features(double penalty) const {
    std::vector<Eigen::Index> active;
    for (Eigen::Index j = 0; j < weights_.size(); ++j) {
      if (weights_[j] != 0 || std::abs(gradient_[j]) > penalty) active.push_back(j);
    }
    return active;
  }

  /// One step along each of the coordinates; the largest one in units of the target.
  double largest_step(const std::vector<Eigen::Index>& active, double penalty) {
    double largest = 0;
    for (const Eigen::Index j : active) {
      const double variance = covariances_.features(j, j);
      if (!(variance > 0)) continue;
      const double weight = soft_threshold(gradient_[j] + variance * weights_[j], penalty) / variance;
      const double step = weight - weights_[j];
      if (step == 0) continue;
      gradient_.noalias() -= step * covariances_.features.col(j);
      weights_[j] = weight;
      largest = std::max(largest, std::abs(step) * std::sqrt(variance));
    }
    return largest;
  }

  /// Whether a feature that is out belongs in.
  bool is_violated(double penalty) const {
    const double limit = penalty + 1e-6 * covariances_.target_deviation;
    for (Eigen::Index j = 0; j < weights_.size(); ++j) {
      if (weights_[j] == 0 && std::abs(gradient_[j]) > limit) return true;
    }
    return false;
  }

  const Covariances& covariances_;
  VectorXd gradient_, weights_;
  double tolerance_;
};

std::vector<LinearFunction> lasso_path(const Sums& sums, std::span<const double> penalties) {
  const Covariances covariances(sums);
  CoordinateDescent descent(covariances);
  std::vector<LinearFunction> path;
  for (const double penalty : penalties) {
    const VectorXd& weights = descent.minimise(penalty);
    path.push_back({{weights.begin(), weights.end()}, covariances.target_mean - covariances.means.dot(weights)});
  }
  return path;
}

std::vector<double> penalties_for(double target_deviation) {
  std::vector<double> penalties;
  for (int i = 0; i < penalties_tried; ++i) {
    const double share = static_cast<double>(i) / (penalties_tried - 1);
    penalties.push_back(target_deviation * largest_penalty * std::pow(smallest_penalty / largest_penalty, share));
  }
  return penalties;
}

}  // namespace

double LinearFunction::operator()(std::span<const double> features) const {
  double sum = intercept;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += weights[i] * features[i];
  return sum;
}

std::vector<LinearFunction> lasso_path(const Samples& samples, std::span<const double> penalties) {
  return lasso_path(sums_of(samples, all_rows(samples)), penalties);
}

std::vector<double> leave_one_out_residuals(const Samples& samples, double ridge) {
  const Covariances covariances(sums_of(samples, all_rows(samples)));
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
    // Of a single row nothing is left to learn from: its leverage is 1.
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
  std::vector<Fold> folds;  // of places in `kept`
  if (count >= 2) folds = shuffled_folds(count, static_cast<int>(std::min<std::int64_t>(inner_folds, count)), seed);
  std::vector<std::vector<std::int64_t>> validations;
  for (const Fold& fold : folds) {
    std::vector<std::int64_t>& rows = validations.emplace_back();
    for (const std::int64_t place : fold.validation) rows.push_back(kept[static_cast<std::size_t>(place)]);
  }
  if (count < 2) validations.push_back(kept);
  Sums all(samples.width);
  std::vector<Sums> sums;
  for (const auto& rows : validations) all.add(sums.emplace_back(sums_of(samples, rows)), 1);

  std::vector<double> penalties = penalties_for(Covariances(all).target_deviation);
  std::vector<double> errors(penalties.size(), 0.0);
  for (std::size_t fold = 0; fold < folds.size(); ++fold) {
    Sums training = all;
    training.add(sums[fold], -1);
    const std::vector<LinearFunction> path = lasso_path(training, penalties);
    for (const std::int64_t i : validations[fold]) {
      for (std::size_t p = 0; p < path.size(); ++p) {
        const double error = samples.targets[static_cast<std::size_t>(i)] - path[p](samples.row(i));
        errors[p] += error * error;
      }
    }
  }
  penalties.resize(static_cast<std::size_t>(std::ranges::min_element(errors) - errors.begin()) + 1);
  return {
      .function = lasso_path(all, penalties).back(), .penalty = penalties.back(), .left_out = samples.rows() - count};
}

}  // namespace unroll
