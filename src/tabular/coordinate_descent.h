#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace unroll {

/// Coordinate descent for the lasso: minimises 1/2 (mean squared error) + penalty sum |weight|, one weight at a time,
/// for descending penalties, each starting from the weights of the one before (Friedman, Hastie, Tibshirani:
/// Regularization Paths for Generalized Linear Models via Coordinate Descent. J. Stat. Softw. 33, 2010). For centred
/// features and targets, `Gradient` provides
///   size()                  number of weights
///   target_deviation()      standard deviation of the targets
///   variance(j)             variance of feature j
///   operator()(j)           covariance of feature j and the current residuals
///   add_to_weight(j, step)  updates the residuals
template <class Gradient>
class CoordinateDescent {
 public:
  explicit CoordinateDescent(Gradient gradient)
      : gradient_(std::move(gradient)),
        weights_(Eigen::VectorXd::Zero(gradient_.size())),
        tolerance_(1e-8 * gradient_.target_deviation()) {}

  const Eigen::VectorXd& minimise(double penalty) {
    constexpr int max_rounds = 100, max_sweeps = 2000;
    for (int round = 0; round < max_rounds; ++round) {
      const std::vector<Eigen::Index> active = active_features(penalty);
      for (int sweep = 0; sweep < max_sweeps && max_step(active, penalty) > tolerance_; ++sweep) continue;
      if (!is_violated(penalty)) break;
    }
    return weights_;
  }

 private:
  std::vector<Eigen::Index> active_features(double penalty) const {
    std::vector<Eigen::Index> active;
    for (Eigen::Index j = 0; j < weights_.size(); ++j) {
      if (weights_[j] != 0 || std::abs(gradient_(j)) > penalty) active.push_back(j);
    }
    return active;
  }

  static double soft_threshold(double value, double penalty) {
    return value > penalty ? value - penalty : value < -penalty ? value + penalty : 0;
  }

  /// One sweep over the active features. Returns the largest step, in units of the target.
  double max_step(const std::vector<Eigen::Index>& active, double penalty) {
    double largest = 0;
    for (const Eigen::Index j : active) {
      const double variance = gradient_.variance(j);
      if (!(variance > 0)) continue;
      const double weight = soft_threshold(gradient_(j) + variance * weights_[j], penalty) / variance;
      const double step = weight - weights_[j];
      if (step == 0) continue;
      gradient_.add_to_weight(j, step);
      weights_[j] = weight;
      largest = std::max(largest, std::abs(step) * std::sqrt(variance));
    }
    return largest;
  }

  /// True if a feature with weight 0 violates the optimality condition and must become active.
  bool is_violated(double penalty) const {
    const double limit = penalty + 1e-6 * gradient_.target_deviation();
    for (Eigen::Index j = 0; j < weights_.size(); ++j) {
      if (weights_[j] == 0 && std::abs(gradient_(j)) > limit) return true;
    }
    return false;
  }

  Gradient gradient_;
  Eigen::VectorXd weights_;
  double tolerance_;
};

}  // namespace unroll
