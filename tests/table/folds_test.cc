#include <gmock/gmock.h>

#include <algorithm>
#include <limits>
#include <set>

#include "io/error_of.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

void expect_disjoint_and_ascending(const Fold& fold) {
  EXPECT_TRUE(std::ranges::is_sorted(fold.training));
  EXPECT_TRUE(std::ranges::is_sorted(fold.validation));
  std::vector<std::int64_t> both;
  std::ranges::set_intersection(fold.training, fold.validation, std::back_inserter(both));
  EXPECT_THAT(both, ElementsAre());
}

void expect_each_row_validated_once(const std::vector<Fold>& folds, std::size_t rows) {
  std::vector<std::int64_t> validated;
  for (const Fold& fold : folds) {
    expect_disjoint_and_ascending(fold);
    EXPECT_EQ(fold.training.size() + fold.validation.size(), rows);
    validated.insert(validated.end(), fold.validation.begin(), fold.validation.end());
  }
  EXPECT_EQ(validated.size(), rows);
  EXPECT_EQ(std::set<std::int64_t>(validated.begin(), validated.end()).size(), rows);
}

TEST(ShuffledFolds, ValidateEachRowOnceInFoldsOfEqualSize) {
  for (const std::int64_t rows : {2, 5, 11, 100, 1460}) {
    for (const int count : {2, 3, 5, 10}) {
      if (rows < count) continue;
      const std::vector<Fold> folds = shuffled_folds(rows, count, 7);
      EXPECT_EQ(folds.size(), static_cast<std::size_t>(count));
      expect_each_row_validated_once(folds, static_cast<std::size_t>(rows));
      for (const Fold& fold : folds) {
        EXPECT_GE(static_cast<std::int64_t>(fold.validation.size()), rows / count);
        EXPECT_LE(static_cast<std::int64_t>(fold.validation.size()), (rows + count - 1) / count);
      }
    }
  }
}

TEST(ShuffledFolds, AreAFunctionOfTheSeed) {
  EXPECT_EQ(shuffled_folds(100, 5, 3)[0].validation, shuffled_folds(100, 5, 3)[0].validation);
  EXPECT_NE(shuffled_folds(100, 5, 3)[0].validation, shuffled_folds(100, 5, 4)[0].validation);
  const std::vector<std::int64_t> rows = shuffled_folds(100, 5, 3)[0].validation;
  EXPECT_GT(rows.back() - rows.front(), 30) << "not shuffled";
}

TEST(ShuffledFolds, NeedARowEach) {
  EXPECT_THAT(error_of([] { shuffled_folds(4, 5, 0); }).what(), HasSubstr("4 rows do not make 5 folds"));
  EXPECT_THAT(error_of([] { shuffled_folds(4, 1, 0); }).what(), HasSubstr("1 folds"));
}

TEST(FoldsInOrder, LearnFromThePastOnly) {
  const std::vector<double> times = {5, 1, 4, 2, 3, 0, 9, 8, 7, 6, 5.5, 11};
  const std::vector<Fold> folds = folds_in_order(times, 3);
  ASSERT_EQ(folds.size(), 3U);
  std::size_t before = 3;
  for (const Fold& fold : folds) {
    expect_disjoint_and_ascending(fold);
    EXPECT_EQ(fold.training.size(), before);
    EXPECT_EQ(fold.validation.size(), 3U);
    before += 3;
    const auto time_of = [&](std::int64_t row) { return times[static_cast<std::size_t>(row)]; };
    const double latest = time_of(std::ranges::max(fold.training, {}, time_of));
    for (const std::int64_t row : fold.validation) EXPECT_GT(time_of(row), latest);
  }
}

TEST(FoldsInOrder, KeepEqualTimesTogether) {
  const std::vector<Fold> folds = folds_in_order(std::vector<double>{1, 1, 1, 2, 2, 3}, 1);
  ASSERT_EQ(folds.size(), 1U);
  EXPECT_THAT(folds[0].training, ElementsAre(0, 1, 2));
  EXPECT_THAT(folds[0].validation, ElementsAre(3, 4, 5));
  EXPECT_THAT(error_of([] { folds_in_order(std::vector<double>{1, 1, 1, 2}, 2); }).what(), HasSubstr("too few"));
  EXPECT_THAT(error_of([] { folds_in_order(std::vector<double>{1}, 2); }).what(), HasSubstr("too few"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(error_of([&] { folds_in_order(std::vector<double>{1, nan}, 1); }).what(), HasSubstr("row 1 has no time"));
}

TEST(FoldsFromValues, AreOnePerValue) {
  const Table table = Table::from_text("n,c,l,e\n2,b,\"x,y\",\n1,a,\"x,y\",\n2,a,\"x,y\",1\n");
  const std::vector<Fold> numbers = folds_from_values(table.column("n"));
  ASSERT_EQ(numbers.size(), 2U);
  expect_each_row_validated_once(numbers, 3);
  EXPECT_THAT(numbers[0].validation, ElementsAre(1));
  EXPECT_THAT(numbers[1].validation, ElementsAre(0, 2));
  const std::vector<Fold> categories = folds_from_values(table.column("c"));
  ASSERT_EQ(categories.size(), 2U);
  EXPECT_THAT(categories[0].validation, ElementsAre(1, 2));
  EXPECT_THAT(error_of([&] { folds_from_values(table.column("e")); }).what(), HasSubstr("no value in row 0"));
  const Table one = Table::from_text("n,l\n2,\"x,y\"\n2,\"x,y\"\n", {.as = {{"l", ColumnKind::list}}});
  EXPECT_THAT(error_of([&] { folds_from_values(one.column("n")); }).what(), HasSubstr("single value"));
  EXPECT_THAT(error_of([&] { folds_from_values(one.column("l")); }).what(), HasSubstr("lists or texts"));
}

}  // namespace
}  // namespace unroll
