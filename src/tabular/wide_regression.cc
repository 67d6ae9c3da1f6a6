#include "tabular/wide_regression.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "tabular/coordinate_descent.h"

namespace unroll {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Features and targets minus their means.
struct Centred {
  VectorXd means, variances;
  MatrixXd features;  // [rows, width], column-major
  double target_mean = 0, target_deviation = 0;
  VectorXd targets;

  Centred(const Samples& samples, Rows rows) {
    const auto count = static_cast<Eigen::Index>(rows.size());
    features.resize(count, samples.width);
    targets.resize(count);
    for (Eigen::Index i = 0; i < count; ++i) {
      const std::int64_t row = rows[static_cast<std::size_t>(i)];
      features.row(i) = Eigen::Map<const Eigen::RowVectorXd>(samples.row(row).data(), samples.width);
      targets[i] = samples.targets[static_cast<std::size_t>(row)];
    }
    means = features.colwise().mean().transpose();
    target_mean = targets.mean();
    // The variance of a constant feature is rounding error: treat it as 0.
    constexpr double rounding = 1e-12;
    const VectorXd second_moments = features.colwise().squaredNorm().transpose() / static_cast<double>(count);
    features.rowwise() -= means.transpose();
    variances = features.colwise().squaredNorm().transpose() / static_cast<double>(count);
    for (Eigen::Index j = 0; j < means.size(); ++j) {
      if (variances[j] > rounding * second_moments[j]) continue;
      features.col(j).setZero();
      variances[j] = 0;
    }
    const double second_moment = targets.squaredNorm() / static_cast<double>(count);
    targets.array() -= target_mean;
    const double variance = targets.squaredNorm() / static_cast<double>(count);
    target_deviation = variance > rounding * second_moment ? std::sqrt(variance) : 0;
    if (target_deviation == 0) targets.setZero();
  }
};

/// Computes gradients from the residuals: a step and the gradient of one weight each cost O(rows).
class ResidualGradient {
 public:
  explicit ResidualGradient(const Centred& rows) : rows_(rows), residuals_(rows.targets) {}

  Eigen::Index size() const { return rows_.means.size(); }
  double target_deviation() const { return rows_.target_deviation; }
  double variance(Eigen::Index j) const { return rows_.variances[j]; }
  double operator()(Eigen::Index j) const {
    return rows_.features.col(j).dot(residuals_) / static_cast<double>(residuals_.size());
  }
  void add_to_weight(Eigen::Index j, double step) { residuals_.noalias() -= step * rows_.features.col(j); }

 private:
  const Centred& rows_;
  VectorXd residuals_;
};

}  // namespace

std::vector<LinearFunction> wide_lasso_path(const Samples& samples, Rows rows, std::span<const double> penalties) {
  const Centred centred(samples, rows);
  CoordinateDescent descent{ResidualGradient(centred)};
  std::vector<LinearFunction> path;
  for (const double penalty : penalties) {
    const VectorXd& weights = descent.minimise(penalty);
    path.push_back({{weights.begin(), weights.end()}, centred.target_mean - centred.means.dot(weights)});
  }
  return path;
}

double wide_max_penalty(const Samples& samples, Rows rows) {
  const Centred centred(samples, rows);
  const ResidualGradient gradient(centred);
  double largest = 0;
  for (Eigen::Index j = 0; j < gradient.size(); ++j) largest = std::max(largest, std::abs(gradient(j)));
  return largest;
}

std::vector<double> wide_leave_one_out_residuals(const Samples& samples, double ridge) {
  const Centred centred(samples, all_rows(samples.rows()));
  const Eigen::Index rows = centred.targets.size();
  // The predictions for the centred targets are products * (products + ridge)^-1 * targets.
  const MatrixXd products = centred.features * centred.features.transpose();
  MatrixXd system = products;
  system.diagonal().array() += ridge;
  const MatrixXd kept = system.llt().solve(products);
  const VectorXd predictions = kept * centred.targets;
  std::vector<double> residuals;
  residuals.reserve(static_cast<std::size_t>(rows));
  for (Eigen::Index i = 0; i < rows; ++i) {
    // A single row has leverage 1, so its residual would be divided by 0.
    const double leverage = 1 / static_cast<double>(rows) + kept(i, i);
    residuals.push_back((centred.targets[i] - predictions[i]) / std::max(1 - leverage, 1e-9));
  }
  return residuals;
}

}  // namespace unroll
