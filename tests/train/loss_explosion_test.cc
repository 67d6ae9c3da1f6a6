#include "train/loss_explosion.h"

#include <gtest/gtest.h>

#include <vector>

#include "support/saved_state.h"

namespace unroll {
namespace {

/// The number of losses after which the last one counts as an explosion; 0: none does.
int exploded_after(LossExplosion explosion, const std::vector<double>& losses) {
  for (std::size_t i = 0; i < losses.size(); ++i) {
    if (explosion.add(losses[i])) return static_cast<int>(i) + 1;
  }
  return 0;
}

std::vector<double> repeated(double value, int count) {
  return std::vector<double>(static_cast<std::size_t>(count), value);
}

std::vector<double> joined(std::vector<double> first, const std::vector<double>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

TEST(LossExplosion, NeedsTwentyLossesAboveTheLimit) {
  const std::vector<double> calm = repeated(2, 20);
  EXPECT_EQ(exploded_after(LossExplosion({}), joined(calm, repeated(3.01, 19))), 0);
  EXPECT_EQ(exploded_after(LossExplosion({}), joined(calm, repeated(3.01, 20))), 40);
  EXPECT_EQ(exploded_after(LossExplosion({}), joined(calm, repeated(2.99, 500))), 0);
  EXPECT_EQ(exploded_after(LossExplosion({}), joined(calm, repeated(1e30, 1))), 21) << "a mean, not a count";
  EXPECT_EQ(exploded_after(LossExplosion({}), joined(calm, {20.9})), 0);
}

TEST(LossExplosion, TheFirstTwentyLossesExplodeOnlyAgainstAUniformGuess) {
  const std::vector<double> losses = joined({1e-3}, repeated(100, 19));
  EXPECT_EQ(exploded_after(LossExplosion({}), losses), 0);
  EXPECT_EQ(exploded_after(LossExplosion(60), losses), 20);
  EXPECT_EQ(exploded_after(LossExplosion(65), losses), 0);
  EXPECT_EQ(exploded_after(LossExplosion(60), repeated(100, 40)), 0) << "it began with as much";
}

TEST(LossExplosion, ComparesWithAUniformGuessThatIsLarger) {
  const std::vector<double> losses = joined(repeated(2, 20), repeated(5.9, 40));
  EXPECT_GT(exploded_after(LossExplosion(3.9), losses), 0);
  EXPECT_EQ(exploded_after(LossExplosion(4.0), losses), 0);
  EXPECT_GT(exploded_after(LossExplosion(0.1), losses), 0) << "the larger of the two counts";
}

TEST(LossExplosion, NamesWhatItComparesWith) {
  LossExplosion guess(4.5), first(0.5), mean({});
  for (LossExplosion* explosion : {&guess, &first, &mean}) {
    for (int i = 0; i < 20; ++i) explosion->add(2);
  }
  EXPECT_EQ(guess.reference_text(), "a uniform guess, 4.5");
  EXPECT_EQ(first.reference_text(), "the first update, 2");
  EXPECT_EQ(mean.reference_text(), "the first 20, 2");
}

TEST(LossExplosion, ContinuesFromItsStateAtAnyUpdate) {
  std::vector<double> losses = joined(repeated(2, 25), repeated(2.9, 10));
  for (int i = 0; i < 60; ++i) losses.push_back(2.9 + 0.02 * i);
  const int whole = exploded_after(LossExplosion({}), losses);
  ASSERT_GT(whole, 45);
  for (int cut = 0; cut < whole; ++cut) {
    LossExplosion before({}), after({});
    for (int i = 0; i < cut; ++i) before.add(losses[static_cast<std::size_t>(i)]);
    test::SavedState(before).restore(after);
    const std::vector<double> rest(losses.begin() + cut, losses.end());
    ASSERT_EQ(cut + exploded_after(after, rest), whole) << cut;
  }
}

}  // namespace
}  // namespace unroll
