#include "tabular/table_metric.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace unroll {
namespace {

const std::vector<double> targets = {1, 2, 4, 5};
const std::vector<double> predictions = {2, 2, 2, 10};

TEST(Score, IsTheFormula) {
  EXPECT_DOUBLE_EQ(score(TableMetric::rmse, predictions, targets), std::sqrt((1 + 0 + 4 + 25) / 4.0));
  EXPECT_DOUBLE_EQ(score(TableMetric::mae, predictions, targets), (1 + 0 + 2 + 5) / 4.0);
  EXPECT_DOUBLE_EQ(score(TableMetric::log_rmse, predictions, targets), std::sqrt(3 * std::pow(std::log(2), 2) / 4));
  // The mean target is 3: the squares around it sum to 10.
  EXPECT_DOUBLE_EQ(score(TableMetric::r2, predictions, targets), 1 - 30 / 10.0);
}

TEST(Score, R2OfEqualTargetsIsNaN) {
  EXPECT_TRUE(std::isnan(score(TableMetric::r2, std::vector<double>{1, 2}, std::vector<double>{3, 3})));
}

TEST(Score, IsTheSameForTargetsOfAnySize) {
  for (const double size : {1e-200, 1e-100, 1e100, 1e200}) {
    std::vector<double> scaled_targets = targets, scaled_predictions = predictions;
    for (double& number : scaled_targets) number *= size;
    for (double& number : scaled_predictions) number *= size;
    EXPECT_NEAR(score(TableMetric::r2, scaled_predictions, scaled_targets), -2, 1e-14);
    EXPECT_NEAR(score(TableMetric::rmse, scaled_predictions, scaled_targets) / size, std::sqrt(7.5), 1e-14);
  }
}

TEST(Score, OfPerfectPredictions) {
  for (const TableMetric metric : {TableMetric::log_rmse, TableMetric::rmse, TableMetric::mae})
    EXPECT_EQ(score(metric, targets, targets), 0);
  EXPECT_EQ(score(TableMetric::r2, targets, targets), 1);
}

TEST(Score, AsAnErrorIsLowerForBetterPredictions) {
  for (const TableMetric metric : {TableMetric::log_rmse, TableMetric::rmse, TableMetric::mae, TableMetric::r2})
    EXPECT_LT(error(metric, targets, targets), error(metric, predictions, targets));
}

TEST(MetricNames, LeadBackToTheMetric) {
  for (const TableMetric metric : {TableMetric::log_rmse, TableMetric::rmse, TableMetric::mae, TableMetric::r2})
    EXPECT_EQ(metric_named(name_of(metric)), metric);
  EXPECT_EQ(metric_named("auc"), std::nullopt);
}

TEST(MeanAndDeviation, UsesNMinusOne) {
  const MeanAndDeviation two = mean_and_deviation_of(std::vector<double>{1, 3});
  EXPECT_EQ(two.mean, 2);
  EXPECT_DOUBLE_EQ(two.deviation, std::sqrt(2));
  const MeanAndDeviation one = mean_and_deviation_of(std::vector<double>{7});
  EXPECT_EQ(one.mean, 7);
  EXPECT_EQ(one.deviation, 0);
}

}  // namespace
}  // namespace unroll
