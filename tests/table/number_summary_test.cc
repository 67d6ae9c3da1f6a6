#include "table/number_summary.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace unroll {
namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();

TEST(NumberSummary, CountsWhatIsThere) {
  const NumberSummary summary = summary_of(std::vector<double>{3, nan, 1, 2, 2, nan});
  EXPECT_EQ(summary.count, 4);
  EXPECT_EQ(summary.distinct, 3);
  EXPECT_EQ(summary.minimum, 1);
  EXPECT_EQ(summary.lower_quartile, 1.75);
  EXPECT_EQ(summary.median, 2);
  EXPECT_EQ(summary.upper_quartile, 2.25);
  EXPECT_EQ(summary.maximum, 3);
  EXPECT_EQ(summary_of(std::vector<double>{nan}).count, 0);
}

TEST(NumberSummary, OutliersAreBeyondThreeInterquartileRanges) {
  std::vector<double> numbers;
  for (int i = 0; i <= 100; ++i) numbers.push_back(i);  // quartiles 25 and 75, fences near -125 and 225
  EXPECT_EQ(summary_of(numbers).outliers, 0);
  numbers.push_back(220);
  EXPECT_EQ(summary_of(numbers).outliers, 0);
  numbers.push_back(240);
  numbers.push_back(-200);
  EXPECT_EQ(summary_of(numbers).outliers, 2);
  EXPECT_EQ(summary_of(std::vector<double>{0, 0, 0, 0, 0, 7}).outliers, 0);
}

TEST(NumberSummary, RankCorrelationKnowsTheOrderOnly) {
  const std::vector<double> a = {1, 2, 3, 4}, squares = {1, 4, 9, 16}, falling = {9, 7, 5, 0};
  EXPECT_NEAR(rank_correlation(a, squares), 1, 1e-15);
  EXPECT_NEAR(rank_correlation(a, falling), -1, 1e-15);
  EXPECT_EQ(rank_correlation(a, std::vector<double>{5, 5, 5, 5}), 0);
  EXPECT_NEAR(rank_correlation(a, std::vector<double>{1, nan, 2, 3}), 1, 1e-15);
  EXPECT_EQ(rank_correlation(a, std::vector<double>{1, nan, nan, 3}), 0);
  // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / sqrt(4.5 * 5).
  EXPECT_NEAR(rank_correlation(a, std::vector<double>{1, 2, 2, 3}), 4.5 / std::sqrt(22.5), 1e-15);
}

TEST(StandardDeviation, IsTheRootOfTheMeanSquareAndZeroForEqualNumbers) {
  const std::vector<double> numbers = {1, 2, 3, 6};
  EXPECT_DOUBLE_EQ(standard_deviation(numbers, mean_of(numbers)), std::sqrt((4.0 + 1 + 0 + 9) / 4));
  const std::vector<double> equal(7, 0.1);
  EXPECT_NE(mean_of(equal), 0.1) << "rounding leaves a difference here";
  EXPECT_EQ(standard_deviation(equal, mean_of(equal)), 0);
}

}  // namespace
}  // namespace unroll
