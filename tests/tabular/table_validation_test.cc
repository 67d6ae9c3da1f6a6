#include "tabular/table_validation.h"

#include <gmock/gmock.h>

#include <cmath>

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

FoldResult fold(std::size_t number, double validation, std::vector<ColumnImportance> importances) {
  return {.number = number, .training = 1, .validation = validation, .importances = std::move(importances)};
}

std::vector<std::string> names_of(const std::vector<Importance>& importances) {
  std::vector<std::string> names;
  for (const Importance& one : importances) names.push_back(one.column);
  return names;
}

TEST(OverFolds, AColumnThatAFoldsModelDoesNotReadCountsAsZero) {
  const TableValidation result =
      over_folds({fold(1, 2, {{"a", 1}, {"b", 2}}), fold(2, 4, {{"b", 4}}), fold(3, 3, {{"b", 3}, {"c", 9}})});
  EXPECT_THAT(names_of(result.importances), ElementsAre("b", "c", "a"));
  EXPECT_EQ(result.importances[0].increase.mean, 3);
  EXPECT_EQ(result.importances[0].increase.deviation, 1);
  EXPECT_EQ(result.importances[1].increase.mean, 3);
  EXPECT_DOUBLE_EQ(result.importances[2].increase.mean, 1 / 3.0);
  EXPECT_EQ(result.training.mean, 1);
  EXPECT_EQ(result.training.deviation, 0);
  EXPECT_EQ(result.validation.mean, 3);
  EXPECT_EQ(result.validation.deviation, 1);
}

TEST(OverFolds, ColumnsThatWereNotMeasuredComeLast) {
  const TableValidation result =
      over_folds({fold(1, 2, {{"a", std::nan("")}, {"b", -5}}), fold(2, 2, {{"a", 1}, {"b", -5}})});
  EXPECT_THAT(names_of(result.importances), ElementsAre("b", "a"));
  EXPECT_TRUE(std::isnan(result.importances[1].increase.mean));
}

TEST(OverFolds, PredictionsAreSortedByRow) {
  FoldResult first = fold(1, 2, {}), second = fold(2, 2, {});
  first.predictions = {{.row = 1, .fold = 1, .prediction = 10}, {.row = 2, .fold = 1, .prediction = 20}};
  second.predictions = {{.row = 0, .fold = 2, .prediction = 5}};
  const TableValidation result = over_folds({first, second});
  ASSERT_THAT(result.predictions, SizeIs(3));
  EXPECT_EQ(result.predictions[0].prediction, 5);
  EXPECT_EQ(result.predictions[0].fold, 2U);
  EXPECT_EQ(result.predictions[2].prediction, 20);
}

}  // namespace
}  // namespace unroll
