#include "table/number_suspicions.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const double nan = std::numeric_limits<double>::quiet_NaN();

/// `count` sizes spread by a factor of three around `middle`.
std::vector<double> sizes_around(double middle, int count) {
  std::vector<double> sizes;
  for (int i = 0; i < count; ++i) sizes.push_back(middle * std::pow(3.0, 2.0 * i / (count - 1) - 1));
  return sizes;
}

std::vector<double> found_sentinels(const std::vector<double>& numbers) {
  std::vector<double> found;
  for (const Sentinel& sentinel : find_sentinels(numbers)) found.push_back(sentinel.number);
  return found;
}

/// The numbers 0 to 99 times `step` above `low`, and `number` `times` times.
std::vector<double> steps_and(double number, int times, double low = 0, double step = 1) {
  std::vector<double> numbers(static_cast<std::size_t>(times), number);
  for (int i = 0; i < 100; ++i) numbers.push_back(low + step * i);
  return numbers;
}

TEST(Sentinels, AreMarksFarFromTheOthers) {
  EXPECT_THAT(found_sentinels(steps_and(-200, 2, -20)), ElementsAre(-200));
  EXPECT_THAT(found_sentinels(steps_and(-999, 500)), ElementsAre(-999));
  EXPECT_THAT(found_sentinels(steps_and(9999, 2)), ElementsAre(9999));
  EXPECT_THAT(found_sentinels(steps_and(-1, 2, 18)), ElementsAre(-1));
  std::vector<double> both = steps_and(-99, 2, 10);
  both.insert(both.end(), {9999, nan, 9999});
  EXPECT_THAT(found_sentinels(both), ElementsAre(-99, 9999));
  EXPECT_THAT(find_sentinels(both)[1].rows, ElementsAre(102, 104));
  // Skewed measurements with -200, as of nitrogen oxides.
  std::vector<double> skewed = sizes_around(100, 300);
  for (int i = 0; i < 20; ++i) skewed.push_back(-200);
  skewed.push_back(1500);
  EXPECT_THAT(found_sentinels(skewed), ElementsAre(-200));
}

TEST(Sentinels, AreNoOtherNumbers) {
  EXPECT_THAT(found_sentinels(steps_and(-200, 1)), IsEmpty());                         // once
  EXPECT_THAT(found_sentinels(steps_and(-1, 2)), IsEmpty());                           // a step below
  EXPECT_THAT(found_sentinels(steps_and(99, 2)), IsEmpty());                           // among the others
  EXPECT_THAT(found_sentinels(steps_and(-200, 2, -300, 10)), IsEmpty());               // not the smallest
  EXPECT_THAT(found_sentinels(steps_and(5000, 2)), IsEmpty());                         // no mark
  EXPECT_THAT(found_sentinels(steps_and(-237, 2, -20)), IsEmpty());                    // no mark
  EXPECT_THAT(found_sentinels(steps_and(999, 2, 100, 5)), IsEmpty());                  // too near
  EXPECT_THAT(found_sentinels({-1, -1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1}), IsEmpty());  // three signs
  EXPECT_THAT(found_sentinels({-200, -200, 1, 2, 3}), IsEmpty());                      // few others
  EXPECT_THAT(found_sentinels({nan, nan}), IsEmpty());
  EXPECT_THAT(found_sentinels({}), IsEmpty());
}

TEST(UnitMismatch, FindsAcresAmongSquareFeet) {
  std::vector<double> lots = sizes_around(7000, 200);
  for (const double acres : {0.2, 0.15, nan, 0.3}) lots.push_back(acres);
  const auto unit = find_unit_mismatch(lots);
  ASSERT_TRUE(unit.has_value());
  EXPECT_EQ(unit->ratio, 43560);
  EXPECT_THAT(unit->rows, ElementsAre(200, 201, 203));
}

TEST(UnitMismatch, FindsThousandsUpAndDown) {
  for (const double ratio : {1e3, 1e-3}) {
    std::vector<double> prices = sizes_around(500, 300);
    for (int i = 0; i < 3; ++i) prices.push_back(400.0 / ratio + i / ratio);
    const auto unit = find_unit_mismatch(prices);
    ASSERT_TRUE(unit.has_value()) << ratio;
    EXPECT_EQ(unit->ratio, ratio);
    EXPECT_THAT(unit->rows, ElementsAre(300, 301, 302));
  }
}

TEST(UnitMismatch, NeedsSeveralRowsAndAGap) {
  std::vector<double> lots = sizes_around(7000, 200);
  lots.push_back(0.2);
  lots.push_back(0.3);
  EXPECT_FALSE(find_unit_mismatch(lots).has_value());
  std::vector<double> ids, distances;
  for (int i = 0; i < 5000; ++i) ids.push_back(i);
  for (int i = 0; i < 5000; ++i) distances.push_back((1 + i % 90) / 10.0);
  EXPECT_FALSE(find_unit_mismatch(ids).has_value());
  EXPECT_FALSE(find_unit_mismatch(distances).has_value());
  EXPECT_FALSE(find_unit_mismatch(std::vector<double>{0, 0, nan, -1}).has_value());
}

TEST(AbsurdYears, AreFoundAmongYears) {
  std::vector<double> years(100, 1974);
  for (const double year : {0.0, 9999.0, nan, 1699.0, 1999.5}) years.push_back(year);
  EXPECT_THAT(find_implausible_years(years), ElementsAre(100, 101, 103, 104));
  years.resize(60);
  for (int i = 0; i < 4; ++i) years.push_back(12);  // 4 of 64 are too many: the column does not hold years
  EXPECT_THAT(find_implausible_years(years), IsEmpty());
  EXPECT_THAT(find_implausible_years(std::vector<double>{nan}), IsEmpty());
}

TEST(AbsurdSizes, AreFarBeyondOrRarelyNegative) {
  std::vector<double> spaces(2000, 2);
  spaces[5] = 1000;
  spaces[6] = 199;
  spaces[7] = -13;
  EXPECT_THAT(find_extreme_values(spaces), ElementsAre(5, 7));
  std::fill(spaces.begin() + 100, spaces.begin() + 110, -1);
  EXPECT_THAT(find_extreme_values(spaces), ElementsAre(5));
  EXPECT_THAT(find_extreme_values(std::vector<double>{0, 0, nan}), IsEmpty());
}

}  // namespace
}  // namespace unroll
