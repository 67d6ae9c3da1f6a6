#include "tabular/target_means.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <set>

#include "tabular/table_encoder.h"
#include "tabular/tree_encoder.h"

namespace unroll {
namespace {

/// A table of numbers and a category of `levels` levels with `rows_of_level` rows each, whose targets differ by
/// `difference` from level to level.
struct Levelled {
  Table table;
  std::vector<std::int64_t> rows;
  std::vector<double> targets;

  Levelled(int levels, int rows_of_level, double difference = 0) {
    std::mt19937 random(1);
    std::string text = "number,category\n";
    const int count = levels * rows_of_level;
    for (int row = 0; row < count; ++row) {
      text += fmt::format("{},l{}\n", row % 97, row % levels);
      targets.push_back(static_cast<double>(random() % 100) + difference * (row % levels));
    }
    table = Table::from_text(text, {.as = {{"category", ColumnKind::category}}});
    rows = all_rows(count);
  }
  const Column& category() const { return table.column("category"); }
  TableView view() const { return {table, rows}; }
  std::vector<double> out_of_fold(std::uint64_t seed = 1) const {
    return TargetMeans::out_of_fold(category(), rows, targets, seed);
  }
};

TEST(TargetMeans, OfOthersTellNoRowItsOwnTarget) {
  Levelled data(30, 12);
  const double before = data.out_of_fold()[100], in_level_before = data.out_of_fold()[130];
  data.targets[100] += 1000;
  EXPECT_EQ(data.out_of_fold()[100], before);
  EXPECT_NE(data.out_of_fold()[130], in_level_before) << "of its level, in another part";
}

TEST(TargetMeans, OutOfFoldMeansComeFromTheOtherFolds) {
  const Levelled data(30, 12);
  const std::vector<double> encoded = data.out_of_fold();
  for (std::size_t level = 0; level < 30; ++level) {
    std::set<double> of_level;  // one for each fold with rows of this level
    for (std::size_t row = level; row < encoded.size(); row += 30) of_level.insert(encoded[row]);
    EXPECT_LE(of_level.size(), 5U);
    EXPECT_GE(of_level.size(), 2U);
  }
  EXPECT_EQ(data.out_of_fold(1), encoded);
  EXPECT_NE(data.out_of_fold(2), encoded) << "other parts";
}

TEST(Levels, DifferByMoreThanChanceOrNot) {
  const auto differ = [](const Levelled& data) { return levels_differ(data.category(), data.rows, data.targets); };
  EXPECT_FALSE(differ(Levelled(30, 12)));
  EXPECT_TRUE(differ(Levelled(30, 12, 5)));
  EXPECT_FALSE(differ(Levelled(1, 12)));
  EXPECT_FALSE(differ(Levelled(12, 1, 5))) << "nothing is known of the variance within a level";
  // Two levels of two rows with targets 0, 2 and m, m + 2: the variance is 2 within levels and m * m between levels.
  Levelled four(2, 2);
  for (const double m : {1.7, 1.75}) {
    four.targets = {0, m, 2, m + 2};
    EXPECT_EQ(differ(four), m > std::sqrt(3));
  }
}

TEST(TableEncoder, GivesLevelsThatHardlyDifferNothingButTheirMeans) {
  const auto width = [](const Levelled& data) { return TableEncoder::fit(data.view(), data.targets, {}).width(); };
  const std::int64_t of_numbers = width(Levelled(1, 1260));
  EXPECT_EQ(width(Levelled(210, 6)), of_numbers + 1);
  EXPECT_EQ(width(Levelled(210, 6, 5)), of_numbers + 202) << "200 levels, a pool for the others, the mean";
}

TEST(TableEncoder, EncodesRowsToLearnFromByMeansOfOthers) {
  const Levelled data(210, 6);
  const TableEncoder encoder = TableEncoder::fit(data.view(), data.targets, {});
  const std::vector<double> features = encoder.encode(data.view()), out_of_fold = data.out_of_fold();
  std::vector<double> learned = encoder.encode_training(data.view(), data.targets, 1);
  const auto stride = static_cast<std::size_t>(encoder.width());
  const MeanFeature feature = MeanFeature::fit(data.category(), data.rows, data.targets).value();
  for (std::size_t row = 0; row < data.rows.size(); ++row) {
    double& mean = learned[row * stride + stride - 1];
    ASSERT_DOUBLE_EQ(mean, feature.standardised(out_of_fold[row], {}));
    mean = features[row * stride + stride - 1];
  }
  EXPECT_EQ(learned, features) << "but for the mean";
}

TEST(TreeEncoder, EncodesRowsToLearnFromByMeansOfOthersWhereManyLevelsHardlyDiffer) {
  const Levelled data(30, 12);
  const TreeEncoder encoder = TreeEncoder::fit(data.view(), data.targets, {});
  const SparseRows sparse = encoder.encode(data.view());
  const std::vector<double> out_of_fold = data.out_of_fold();
  SparseRows learned = encoder.encode_training(data.view(), data.targets, 1);
  ASSERT_EQ(encoder.width(), 2) << "the number and the mean";
  ASSERT_EQ(learned.places, sparse.places);
  for (std::size_t row = 0; row < data.rows.size(); ++row) {
    ASSERT_EQ(learned.value(row, 1), static_cast<float>(out_of_fold[row]));
    learned.value(row, 1) = sparse.values[2 * row + 1];
  }
  EXPECT_EQ(learned.values, sparse.values) << "but for the mean";

  for (const Levelled& other : {Levelled(30, 12, 5), Levelled(30, 50)}) {
    const TreeEncoder of_other = TreeEncoder::fit(other.view(), other.targets, {});
    EXPECT_EQ(of_other.encode_training(other.view(), other.targets, 1).values, of_other.encode(other.view()).values);
  }
}

}  // namespace
}  // namespace unroll
