#include "tabular/lasso.h"

#include <gmock/gmock.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <cmath>
#include <numeric>
#include <random>

#include "tabular/wide_regression.h"

namespace unroll {
namespace {

using testing::Each;
using testing::ElementsAre;

struct Problem {
  std::int64_t width = 0;
  std::vector<double> features, targets;

  Samples samples() const { return {.features = features, .width = width, .targets = targets}; }
};

/// Normal and one-hot features; the target is a function of some of them plus noise.
Problem random_problem(std::int64_t rows, std::int64_t width, double noise, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> weights;
  for (std::int64_t j = 0; j < width; ++j) weights.push_back(j % 3 == 0 ? normal(random) : 0);
  Problem problem{.width = width, .features = {}, .targets = {}};
  for (std::int64_t i = 0; i < rows; ++i) {
    double target = 5;
    for (std::int64_t j = 0; j < width; ++j) {
      const double feature = j % 2 == 0 ? normal(random) + 3 : random() % 4 == 0 ? 1 : 0;
      problem.features.push_back(feature);
      target += weights[static_cast<std::size_t>(j)] * feature;
    }
    problem.targets.push_back(target + noise * normal(random));
  }
  return problem;
}

std::vector<double> residuals_of(const Problem& problem, const LinearFunction& function) {
  std::vector<double> residuals;
  for (std::int64_t i = 0; i < problem.samples().rows(); ++i)
    residuals.push_back(problem.targets[static_cast<std::size_t>(i)] - function(problem.samples().row(i)));
  return residuals;
}

double objective(const Problem& problem, const LinearFunction& function, double penalty) {
  double sum = 0, size = 0;
  for (const double residual : residuals_of(problem, function)) sum += residual * residual;
  for (const double weight : function.weights) size += std::abs(weight);
  return sum / (2 * static_cast<double>(problem.targets.size())) + penalty * size;
}

/// Checks the Karush-Kuhn-Tucker conditions: necessary and sufficient, since the objective is convex.
void expect_optimal(const Problem& problem, const LinearFunction& function, double penalty) {
  constexpr double accuracy = 3e-6;  // the solver's tolerance: 1e-6 standard deviations of the target, here up to 3
  const std::vector<double> residuals = residuals_of(problem, function);
  const auto rows = static_cast<double>(residuals.size());
  double sum = 0;
  for (const double residual : residuals) sum += residual;
  EXPECT_NEAR(sum / rows, 0, accuracy);
  for (std::size_t j = 0; j < function.weights.size(); ++j) {
    double gradient = 0;
    for (std::size_t i = 0; i < residuals.size(); ++i)
      gradient += problem.features[i * function.weights.size() + j] * residuals[i];
    gradient /= rows;
    const double weight = function.weights[j];
    if (weight == 0) {
      EXPECT_LE(std::abs(gradient), penalty + accuracy) << "feature " << j;
    } else {
      EXPECT_NEAR(gradient, std::copysign(penalty, weight), accuracy) << "feature " << j;
    }
  }
}

const std::vector<double> penalties = {0.5, 0.1, 0.03, 0.01, 0.003, 0.001};

TEST(Lasso, MeetsTheConditionsOfTheOptimum) {
  for (unsigned seed = 0; seed < 5; ++seed) {
    for (const auto& [rows, width] : {std::pair{200, 10}, {100, 30}, {40, 60}, {3, 5}}) {
      SCOPED_TRACE(testing::Message() << rows << " rows, " << width << " features, seed " << seed);
      const Problem problem = random_problem(rows, width, 0.5, seed);
      const std::vector<LinearFunction> path = lasso_path(problem.samples(), penalties);
      ASSERT_EQ(path.size(), penalties.size());
      for (std::size_t i = 0; i < path.size(); ++i) expect_optimal(problem, path[i], penalties[i]);
    }
  }
}

TEST(Lasso, IsASoftThresholdForOrthogonalFeatures) {
  const Problem problem{.width = 2, .features = {1, 1, 1, -1, -1, 1, -1, -1}, .targets = {10, 9, 6, 5}};
  const std::vector<LinearFunction> path = lasso_path(problem.samples(), std::vector<double>{3, 1, 0.25});
  EXPECT_THAT(path[0].weights, ElementsAre(0, 0));
  EXPECT_THAT(path[1].weights, ElementsAre(1, 0));  // 2 and 0.5 without a penalty
  EXPECT_THAT(path[2].weights, ElementsAre(1.75, 0.25));
  for (const LinearFunction& function : path) EXPECT_EQ(function.intercept, 7.5);
}

TEST(Lasso, GivesConstantFeaturesNoWeight) {
  Problem problem = random_problem(50, 4, 0.1, 1);
  for (std::size_t i = 0; i < 50; ++i) {
    problem.features[4 * i] = 1234.567;
    problem.features[4 * i + 1] = 0;
  }
  for (const LinearFunction& function : lasso_path(problem.samples(), penalties)) {
    EXPECT_EQ(function.weights[0], 0);
    EXPECT_EQ(function.weights[1], 0);
    EXPECT_TRUE(std::isfinite(function.intercept));
  }
}

TEST(Lasso, SharesAmongEqualFeatures) {
  const Problem alone = random_problem(60, 3, 0.3, 2);
  Problem doubled{.width = 6, .features = {}, .targets = alone.targets};
  for (std::int64_t i = 0; i < 60; ++i) {
    for (int copy = 0; copy < 2; ++copy) {
      const auto row = alone.samples().row(i);
      doubled.features.insert(doubled.features.end(), row.begin(), row.end());
    }
  }
  const auto path = lasso_path(alone.samples(), penalties), of_doubled = lasso_path(doubled.samples(), penalties);
  for (std::size_t i = 0; i < path.size(); ++i) {
    expect_optimal(doubled, of_doubled[i], penalties[i]);
    EXPECT_NEAR(objective(doubled, of_doubled[i], penalties[i]), objective(alone, path[i], penalties[i]), 1e-9);
  }
}

TEST(Lasso, PredictsTheMeanOfWhatIsConstantOrAlone) {
  Problem problem = random_problem(20, 3, 0, 3);
  problem.targets.assign(20, 4.25);
  EXPECT_THAT(fit_lasso(problem.samples(), 1).function.weights, Each(0));
  EXPECT_DOUBLE_EQ(fit_lasso(problem.samples(), 1).function.intercept, 4.25);
  const Problem one{.width = 2, .features = {1, 2}, .targets = {3}};
  EXPECT_THAT(fit_lasso(one.samples(), 1).function.weights, ElementsAre(0, 0));
  EXPECT_EQ(fit_lasso(one.samples(), 1).function.intercept, 3);
  const Problem none{.width = 0, .features = {}, .targets = {1, 2, 3, 6}};
  EXPECT_EQ(fit_lasso(none.samples(), 1).function.intercept, 3);
}

TEST(Lasso, ChoosesAPenaltyThatPredicts) {
  const Problem signal = random_problem(300, 20, 0.1, 4);
  const LassoFit fit = fit_lasso(signal.samples(), 1);
  double squares = 0;
  for (const double residual : residuals_of(signal, fit.function)) squares += residual * residual;
  EXPECT_NEAR(std::sqrt(squares / 300), 0.1, 0.02);
  Problem noise = random_problem(300, 20, 0.1, 5);
  std::mt19937 random(6);
  std::normal_distribution<double> normal;
  for (double& target : noise.targets) target = normal(random);
  EXPECT_GT(fit_lasso(noise.samples(), 1).penalty, 0.015) << "near the largest one";
}

TEST(Lasso, IsAFunctionOfTheSeed) {
  const Problem problem = random_problem(100, 30, 1, 7);
  const LassoFit one = fit_lasso(problem.samples(), 1), again = fit_lasso(problem.samples(), 1);
  EXPECT_EQ(one.function.weights, again.function.weights);
  EXPECT_EQ(one.function.intercept, again.function.intercept);
}

/// The residual of row `out` under the ridge regression on the other rows.
double residual_without(const Problem& problem, std::int64_t out, double ridge) {
  const auto rows = static_cast<Eigen::Index>(problem.targets.size());
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::MatrixXd all = Eigen::Map<const RowMajor>(problem.features.data(), rows, problem.width);
  Eigen::MatrixXd x(rows - 1, problem.width);
  Eigen::VectorXd y(rows - 1);
  for (Eigen::Index i = 0, to = 0; i < rows; ++i) {
    if (i == out) continue;
    x.row(to) = all.row(i);
    y[to++] = problem.targets[static_cast<std::size_t>(i)];
  }
  const Eigen::RowVectorXd means = x.colwise().mean();
  const double mean = y.mean();
  x.rowwise() -= means;
  y.array() -= mean;
  Eigen::MatrixXd system = x.transpose() * x;
  system.diagonal().array() += ridge;
  const Eigen::VectorXd weights = system.llt().solve(x.transpose() * y);
  return problem.targets[static_cast<std::size_t>(out)] - mean - (all.row(out) - means).dot(weights);
}

TEST(LeaveOneOutResiduals, AreThoseOfLeavingOutOneByOne) {
  for (const double ridge : {0.5, 30.0}) {
    for (const std::int64_t width : {8, 30, 31, 100}) {
      SCOPED_TRACE(testing::Message() << width << " features, ridge " << ridge);
      const Problem problem = random_problem(30, width, 0.5, 8);
      const std::vector<double> residuals = leave_one_out_residuals(problem.samples(), ridge);
      for (std::int64_t i = 0; i < 30; ++i)
        EXPECT_NEAR(residuals[static_cast<std::size_t>(i)], residual_without(problem, i, ridge), 1e-9);
    }
  }
}

// The algorithms for tall and wide tables on the same samples, for which both have one solution.
TEST(WideRegression, AgreesWithTheTallOne) {
  const Problem problem = random_problem(80, 12, 0.5, 11);
  std::vector<std::int64_t> rows(80);
  std::iota(rows.begin(), rows.end(), 0);
  const auto tall = lasso_path(problem.samples(), penalties),
             wide = wide_lasso_path(problem.samples(), rows, penalties);
  for (std::size_t i = 0; i < penalties.size(); ++i) {
    EXPECT_NEAR(wide[i].intercept, tall[i].intercept, 1e-5);
    for (std::size_t j = 0; j < 12; ++j) EXPECT_NEAR(wide[i].weights[j], tall[i].weights[j], 1e-6);
  }
  const auto of_tall = leave_one_out_residuals(problem.samples(), 3),
             of_wide = wide_leave_one_out_residuals(problem.samples(), 3);
  for (std::size_t i = 0; i < 80; ++i) EXPECT_NEAR(of_wide[i], of_tall[i], 1e-9);
}

TEST(WideRegression, FindsAFewFeaturesAmongThousands) {
  constexpr std::int64_t rows = 100, width = 20'000;
  std::mt19937 random(12);
  std::normal_distribution<double> normal;
  Problem problem{.width = width, .features = {}, .targets = {}};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < width; ++j) problem.features.push_back(normal(random));
    const std::span<const double> row = std::span(problem.features).last(width);
    problem.targets.push_back(3 * row[5] - 2 * row[19'000] + 0.1 * normal(random));
  }
  const LinearFunction function = fit_lasso(problem.samples(), 1).function;
  EXPECT_NEAR(function.weights[5], 3, 0.3);
  EXPECT_NEAR(function.weights[19'000], -2, 0.3);
}

TEST(RowsWithoutOutliers, LackWhatIsFarOff) {
  Problem problem = random_problem(200, 5, 0.2, 9);
  EXPECT_GE(rows_without_outliers(problem.samples()).size(), 195U) << "1 normal number in 2,000 is that far off";
  problem.targets[17] += 30;
  problem.targets[100] -= 30;
  const std::vector<std::int64_t> rows = rows_without_outliers(problem.samples());
  EXPECT_EQ(std::ranges::count(rows, 17) + std::ranges::count(rows, 100), 0);
  EXPECT_GE(rows.size(), 190U) << "those that the two draw the regression away from are few";
  EXPECT_EQ(fit_lasso(problem.samples(), 1).left_out, 200 - static_cast<std::int64_t>(rows.size()));
}

}  // namespace
}  // namespace unroll
