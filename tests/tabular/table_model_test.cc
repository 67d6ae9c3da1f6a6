#include "unroll/table_model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "tabular/houses.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

TEST(TableModelTest, PredictsOtherRows) {
  const TableModel model = TableModel::train(houses(300), linear);
  EXPECT_EQ(model.target(), "price");
  EXPECT_EQ(model.id(), "Id");
  ASSERT_THAT(model.inputs(), SizeIs(2));
  EXPECT_EQ(model.inputs()[0].name, "area");
  EXPECT_EQ(model.inputs()[1].kind, ColumnKind::category);
  EXPECT_THAT(model.choices(), HasSubstr(R"({"linear":{"features":)"));
  const Table other = Table::from_text(houses_csv(100, 9), model.reading_options());
  EXPECT_LT(score(TableMetric::log_rmse, model.predict(other), other.column("price").numbers()), 0.07);
}

TEST(TableModelTest, SurvivesItsFile) {
  const TemporaryFolder folder;
  const Table table = houses(100);
  const TableModel model = TableModel::train(table, linear);
  model.save(folder.path("model"));
  const TableModel loaded = TableModel::load(folder.path("model"));
  EXPECT_EQ(loaded.predict(table), model.predict(table));
  EXPECT_EQ(loaded.choices(), model.choices());
  EXPECT_EQ(loaded.target(), "price");
}

TEST(TableModelTest, NamesTheRowsOfItsPredictions) {
  const Table table = houses(50);
  const TableModel model = TableModel::train(table, linear);
  const std::string text = model.predictions_text(table);
  EXPECT_TRUE(text.starts_with(fmt::format("Id,price\nh0,{}\nh1,", model.predict(table)[0]))) << text;
  TableModelOptions without_id = linear;
  without_id.id = "";
  without_id.folds_from = "Id";  // so that it is no feature
  EXPECT_TRUE(TableModel::train(table, without_id).predictions_text(table).starts_with("row,price\n1,"));
  const Table missing = Table::from_text("Id,area,zone\nh0,1000,a\n,1000,a\n", model.reading_options(), "test.csv");
  EXPECT_THAT(error_of([&] { model.predictions_text(missing); }).what(), HasSubstr("test.csv: line 3: the id"));
}

TEST(TableModelTest, ReadsTheKindsThatItHasLearned) {
  const TableModel model = TableModel::train(houses(50), linear);
  const std::string codes = "Id,area,zone\n1,1000,7\n2,900,8\n";
  EXPECT_THAT(error_of([&] { model.predict(Table::from_text(codes)); }).what(), HasSubstr("another kind"));
  EXPECT_THAT(model.predict(Table::from_text(codes, model.reading_options())), SizeIs(2));
  const std::string no_id = "area,zone\n1000,a\n";
  EXPECT_THAT(error_of([&] { Table::from_text(no_id, model.reading_options()); }).what(), HasSubstr("\"Id\""));
  EXPECT_THAT(model.predict(Table::from_text(no_id, model.reading_options(false))), SizeIs(1));
}

TEST(TableModelTest, TakesNoFeatureFromIdAndFolds) {
  TableModelOptions by_zone = linear;
  by_zone.folds_from = "zone";
  const TableModel model = TableModel::train(houses(100), by_zone);
  ASSERT_THAT(model.inputs(), SizeIs(1));
  EXPECT_EQ(model.inputs()[0].name, "area");
  EXPECT_THAT(TableModel::validate(houses(100), by_zone).folds, SizeIs(4));
}

TEST(TableModelTest, NeedsNoReadingOptions) {
  const std::string csv = houses_csv(100);
  const Table table = Table::from_text(csv);
  EXPECT_EQ(TableModel::train(table, linear).predictions_text(table),
            TableModel::train(houses(100), linear).predictions_text(houses(100)));
}

TEST(TableModelTest, RefusesBadOptionsAndTables) {
  EXPECT_EQ(error_of([] { TableModel::train(houses(10), {.target = "gone"}); }).code(), ExitCode::usage);
  EXPECT_EQ(error_of([] { TableModel::train(houses(10), {}); }).code(), ExitCode::usage);
  EXPECT_EQ(error_of([] { TableModel::validate(houses(10), {.target = "price", .id = "price"}); }).code(),
            ExitCode::usage);
  EXPECT_THAT(error_of([] { TableModel::validate(houses(2), linear); }).what(), HasSubstr("2 rows cannot be"));
  EXPECT_EQ(error_of([] { TableModel::load("/no/such/file"); }).code(), ExitCode::no_input);
}

TEST(TableModelTest, MinimisesErrorsOfLogarithmsForLogRmseOnly) {
  const Table table = houses(100);
  TableModelOptions absolute = linear;
  absolute.metric = TableMetric::rmse;
  EXPECT_NE(TableModel::train(table, linear).predict(table), TableModel::train(table, absolute).predict(table));
  TableModelOptions other = absolute;
  other.metric = TableMetric::mae;
  EXPECT_EQ(TableModel::train(table, other).predict(table), TableModel::train(table, absolute).predict(table));
}

class Validation : public testing::Test {
 protected:
  const Table table_ = houses(120);
  const std::vector<Fold> folds_ = shuffled_folds(120, 3, 0);
  std::vector<FoldResult> seen_;
  const TableValidation result_ =
      TableModel::validate(table_, linear, [this](const FoldResult& fold) { seen_.push_back(fold); });
};

TEST_F(Validation, PredictsEachRowByAModelThatHasNotLearnedIt) {
  ASSERT_THAT(result_.predictions, SizeIs(120));
  for (std::size_t row = 0; row < 120; ++row) {
    const OutOfFold& one = result_.predictions[row];
    EXPECT_EQ(one.row, static_cast<std::int64_t>(row));
    EXPECT_TRUE(std::ranges::binary_search(folds_[one.fold - 1].validation, one.row));
  }
  std::string csv = "Id,area,zone,price\n", all = houses_csv(120);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < all.size(); begin = all.find('\n', begin) + 1)
    lines.push_back(all.substr(begin, all.find('\n', begin) - begin + 1));
  for (const std::int64_t row : folds_[1].training) csv += lines[static_cast<std::size_t>(row) + 1];
  const TableModel model = TableModel::train(Table::from_text(csv, reading_options(linear)), linear);
  const std::vector<double> predictions = model.predict(table_);
  for (const std::int64_t row : folds_[1].validation) {
    const auto place = static_cast<std::size_t>(row);
    EXPECT_EQ(result_.predictions[place].prediction, predictions[place]);
  }
}

TEST_F(Validation, ScoresEachFold) {
  ASSERT_THAT(result_.folds, SizeIs(3));
  ASSERT_THAT(seen_, SizeIs(3));
  std::vector<double> training, validation;
  for (std::size_t i = 0; i < 3; ++i) {
    const FoldResult& fold = result_.folds[i];
    EXPECT_EQ(seen_[i].validation, fold.validation);
    EXPECT_EQ(fold.number, i + 1);
    EXPECT_EQ(fold.training_rows, 80);
    EXPECT_EQ(fold.validation_rows, 40);
    EXPECT_THAT(fold.choices, HasSubstr("\"penalty\""));
    std::vector<double> predictions, truth;
    for (const OutOfFold& one : fold.predictions) {
      predictions.push_back(one.prediction);
      truth.push_back(table_.column("price").numbers()[static_cast<std::size_t>(one.row)]);
    }
    EXPECT_EQ(score(TableMetric::log_rmse, predictions, truth), fold.validation);
    EXPECT_LT(fold.training, 0.06);
    training.push_back(fold.training);
    validation.push_back(fold.validation);
  }
  EXPECT_EQ(result_.validation.mean, mean_and_deviation_of(validation).mean);
  EXPECT_EQ(result_.validation.deviation, mean_and_deviation_of(validation).deviation);
  EXPECT_EQ(result_.training.mean, mean_and_deviation_of(training).mean);
}

TEST_F(Validation, OrdersImportancesByTheirMeanOverTheFolds) {
  ASSERT_THAT(result_.importances, SizeIs(2));
  EXPECT_EQ(result_.importances[0].column, "area");
  EXPECT_EQ(result_.importances[1].column, "zone");
  std::vector<double> of_area;
  for (const FoldResult& fold : result_.folds) {
    ASSERT_EQ(fold.importances[0].column, "area");
    of_area.push_back(fold.importances[0].increase);
  }
  EXPECT_EQ(result_.importances[0].increase.mean, mean_and_deviation_of(of_area).mean);
  EXPECT_GT(result_.importances[0].increase.mean, 0.2);
}

TEST(ValidationOfWideTables, DoesNotMeasureImportances) {
  std::string csv = "price";
  for (std::size_t i = 0; i <= max_permuted_columns; ++i) csv += fmt::format(",c{}", i);
  for (int row = 0; row < 8; ++row) {
    csv += fmt::format("\n{}", row + 1);
    for (std::size_t i = 0; i <= max_permuted_columns; ++i) csv += fmt::format(",{}", (row * 7 + i * i) % 11);
  }
  const TableValidation validation = TableModel::validate(
      Table::from_text(csv + "\n"), {.target = "price", .members = {MemberKind::linear}, .folds = 2});
  ASSERT_THAT(validation.importances, SizeIs(testing::Gt(max_permuted_columns)));
  for (const Importance& one : validation.importances) EXPECT_TRUE(std::isnan(one.increase.mean));
}

TEST(Explanation, HasTheMostImportantColumnsFirst) {
  const Table table = houses(80);
  const TableModel model = TableModel::train(table, linear);
  const auto names = [&](const std::vector<Importance>& importances, std::size_t max_columns) {
    std::vector<std::string> columns;
    for (const PartialDependence& one : model.explain(table, importances, max_columns).dependences)
      columns.push_back(one.input.name);
    return columns;
  };
  const double nan = std::nan("");
  EXPECT_THAT(names({{"zone", {0.2}}, {"area", {0.1}}}, 10), ElementsAre("zone", "area"));
  EXPECT_THAT(names({{"zone", {0.2}}, {"area", {0.1}}}, 1), ElementsAre("zone"));
  EXPECT_THAT(names({{"gone", {0.2}}, {"zone", {0}}, {"area", {nan}}}, 10), ElementsAre());
}

TEST(Explanation, AveragesOverAtMostAThousandRows) {
  const Table table = houses(1203);
  const TableModel model = TableModel::train(houses(80), linear);
  const TableExplanation explanation = model.explain(table, std::vector<Importance>{{"zone", {0.2}}});
  EXPECT_EQ(explanation.rows, 1000);
  ASSERT_THAT(explanation.dependences[0].points, SizeIs(4));
  const std::vector<double> predictions = model.predict(table);
  double sum = 0;
  for (std::size_t i = 0; i < 1000; ++i) sum += predictions[i * 1203 / 1000];
  EXPECT_DOUBLE_EQ(explanation.mean, sum / 1000);
}

}  // namespace
}  // namespace unroll
