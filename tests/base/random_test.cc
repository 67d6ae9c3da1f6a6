#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <vector>

#include "device/every_target.h"
#include "unroll/context.h"

namespace unroll {
namespace {

TEST(Random, EveryPartOfTheKeyCounts) {
  const std::set<std::uint32_t> values = {
      Random(1, RandomStream::init, 0, 0).bits(0),         Random(2, RandomStream::init, 0, 0).bits(0),
      Random(1, RandomStream::windows, 0, 0).bits(0),      Random(1, RandomStream::init, 1, 0).bits(0),
      Random(1, RandomStream::init, 0, 1).bits(0),         Random(1, RandomStream::init, 0, 0).bits(1),
      Random(1, RandomStream::init, 0, 0).bits(4),         Random(1ull << 40, RandomStream::init, 0, 0).bits(0),
      Random(1, RandomStream::init, 0, 0).bits(1ull << 40)};
  EXPECT_EQ(values.size(), 9u);
}

// Expected words are from an independent implementation of Philox 4x32-10, which reproduces Random123's published known
// answer for zeros: counter (block low, block high, step, purpose << 24 | stream), key = seed.
TEST(Random, IsPhiloxOfItsKey) {
  const Random random(7, RandomStream::dropout, 3, 5);
  EXPECT_EQ(random.bits(0), 0x52802cbau);
  EXPECT_EQ(random.bits(1), 0x42607b89u);
  EXPECT_EQ(random.bits(2), 0x824d195eu);
  EXPECT_EQ(random.bits(3), 0x939e2811u);
  EXPECT_EQ(random.bits(9), 0x664b94cbu);
}

TEST(Random, RangesGiveTheSameNumbersAsSingleDrawsOnEveryTarget) {
  const Random random(0x1234567890ull, RandomStream::dropout, 3, 5);
  // The last one crosses 32 bits of the block number.
  const std::uint64_t beginnings[] = {0, 1, 6, 4 * ((1ull << 32) - 3) + 2};
  test::on_every_target([&] {
    for (const std::uint64_t first : beginnings) {
      for (std::size_t size : {0u, 1u, 2u, 11u, 31u, 32u, 63u, 64u, 65u, 200u, 1027u}) {
        std::vector<float> many(size + 1, -1.0f);
        random.uniforms(first, std::span(many).first(size));
        for (std::size_t i = 0; i < size; ++i) ASSERT_EQ(many[i], random.uniform(first + i)) << first << " + " << i;
        ASSERT_EQ(many[size], -1.0f);
      }
    }
  });
}

TEST(Random, MomentsOfUniformAndNormal) {
  const Random random(3, RandomStream::init);
  const int count = 200'000;
  double sum = 0, squares = 0, uniform_sum = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double x = random.normal(i), u = random.uniform(i);
    ASSERT_TRUE(std::isfinite(x));
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    sum += x;
    squares += x * x;
    uniform_sum += u;
  }
  const double n = count;
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(uniform_sum / n, 0.5, 5 * std::sqrt(1 / (12 * n)));
}

TEST(Random, BelowCoversItsRangeEvenly) {
  const Random random(4, RandomStream::windows);
  std::vector<int> hits(7);
  for (std::uint64_t i = 0; i < 70'000; ++i) ++hits[random.below(7, i)];
  for (const int hit : hits) EXPECT_NEAR(hit, 10'000, 500);
}

}  // namespace
}  // namespace unroll
