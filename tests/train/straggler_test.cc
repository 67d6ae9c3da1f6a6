#include "train/straggler.h"

#include <gtest/gtest.h>

#include <vector>

namespace unroll {
namespace {

RankTiming pace(double working, double waiting, std::int64_t symbols = 100) {
  return {.symbols = symbols, .working = working, .waiting = waiting, .exchanging = 1};
}

TEST(Straggler, IsTheRankThatTheOthersWaitFor) {
  const std::vector<RankTiming> paces = {pace(10, 9), pace(12, 7), pace(19, 0), pace(10, 9)};
  const auto slow = straggler_of(paces);
  ASSERT_TRUE(slow);
  EXPECT_EQ(slow->rank, 2U);
  EXPECT_DOUBLE_EQ(slow->times, 1.9) << "the median of the others";
  EXPECT_DOUBLE_EQ(slow->waiting, 25.0 / 60);
}

TEST(Straggler, IsThereOfTwoRanksToo) {
  const auto slow = straggler_of(std::vector<RankTiming>{pace(30, 0), pace(10, 20)});
  ASSERT_TRUE(slow);
  EXPECT_EQ(slow->rank, 0U);
  EXPECT_DOUBLE_EQ(slow->times, 3);
}

TEST(Straggler, IsNoneWhereNothingMuchIsLost) {
  EXPECT_FALSE(straggler_of(std::vector<RankTiming>{pace(10, 0)}));
  EXPECT_FALSE(straggler_of(std::vector<RankTiming>{pace(10, 5), pace(12, 3)})) << "as good as alike";
  EXPECT_FALSE(straggler_of(std::vector<RankTiming>{pace(10, 1), pace(19, 0)})) << "the others hardly wait";
  EXPECT_FALSE(straggler_of(std::vector<RankTiming>{pace(0, 0, 0), pace(0, 0, 0)})) << "nothing was done";
  EXPECT_FALSE(straggler_of(std::vector<RankTiming>{pace(20, 0, 200), pace(10, 10)})) << "it has twice the work";
  EXPECT_FALSE(straggler_of({}));
}

}  // namespace
}  // namespace unroll
