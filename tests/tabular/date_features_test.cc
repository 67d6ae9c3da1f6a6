#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tabular/table_encoder.h"
#include "tabular/tree_encoder.h"
#include "unroll/error.h"
#include "unroll/table_model.h"

namespace unroll {
namespace {

using enum NumberPart;
using testing::ElementsAre;

std::vector<NumberPart> parts(const std::vector<std::string>& dates) {
  std::string csv = "when,x\n";
  for (const std::string& date : dates) csv += date + ",1\n";
  const Table table = Table::from_text(csv);
  return parts_of(table.column("when"), all_rows(table.rows()));
}

TEST(DateFeatures, AColumnHasThePartsThatItsDatesDifferIn) {
  EXPECT_THAT(parts({"2024-01-01", "2024-01-31"}), ElementsAre(value, month, year));
  EXPECT_THAT(parts({"2024-01-01 00:00", "2024-01-01 18:00"}), ElementsAre(value, month, year, time));
  EXPECT_THAT(parts({"2024-01-01", "2024-03-01"}), ElementsAre(value, month, year, weekday));
  EXPECT_THAT(parts({"2024-01-01", "2024-12-01 12:00"}), ElementsAre(value, month, year, time, weekday, day_of_year));
  EXPECT_THAT(parts({"2024-01-01", "2024-03-04"}), ElementsAre(value, month, year));  // Mondays
}

TEST(DateFeatures, PartsAreThoseOfTheCalendar) {
  const Table table = Table::from_text("when\n2024-02-29 05:00:00\n1969-12-31 23:59:59\n2000-12-31\n\n\"\"\n");
  const Column& column = table.column("when");
  const std::vector<std::int64_t> rows = all_rows(table.rows());
  const auto are = [&](NumberPart part) {
    std::vector<double> numbers = numbers_of(column, part, rows);
    EXPECT_TRUE(std::isnan(numbers.back()));
    numbers.pop_back();
    return numbers;
  };
  EXPECT_THAT(are(time), ElementsAre(5, 24 - 1.0 / 3600, 0));
  EXPECT_THAT(are(weekday), ElementsAre(4, 3, 7));
  EXPECT_THAT(are(day_of_year), ElementsAre(60, 365, 366));
}

TEST(DateFeatures, MidnightIsNearTheLastSecondOfTheDay) {
  const Table table = Table::from_text("when\n2024-01-01 00:00\n2024-01-01 23:59:59\n2024-01-01 12:00\n");
  const Column& column = table.column("when");
  const auto periodic = PeriodicFeatures::fit(column, time);
  ASSERT_TRUE(periodic);
  EXPECT_FALSE(PeriodicFeatures::fit(column, month));
  const std::vector<std::int64_t> rows = all_rows(3);
  std::vector<double> features(12);
  periodic->encode(column, rows, {}, features.data(), 4);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(features[i], features[4 + i], 1e-3);
  EXPECT_GT(std::abs(features[1] - features[9]), 1);
}

std::string hourly(int days, const std::string& order) {
  std::string csv = "when,riders\n";
  for (int i = 0; i < 24 * days; ++i) {
    const int hour = i % 24, day = i / 24 % 28 + 1, month = i / 24 / 28 + 1;
    const std::string date =
        order == "dmy" ? fmt::format("{:02}.{:02}.2024", day, month) : fmt::format("2024-{:02}-{:02}", month, day);
    const bool busy = hour == 7 || hour == 8 || hour == 17 || hour == 18;
    csv += fmt::format("{} {:02}:00,{}\n", date, hour, (busy ? 160 : 100) + i % 5);
  }
  return csv;
}

TEST(DateFeatures, EveryMemberLearnsTheTimeOfDay) {
  for (const MemberKind kind : {MemberKind::linear, MemberKind::mlp}) {
    const TableModelOptions options = {.target = "riders", .members = {kind}, .metric = TableMetric::rmse, .folds = 2};
    const Table table = Table::from_text(hourly(20, "ymd"), reading_options(options));
    EXPECT_LT(TableModel::validate(table, options).validation.mean, 10);
    const TableModel model = TableModel::train(table, options);
    const Table german = Table::from_text(hourly(20, "dmy"));
    EXPECT_EQ(model.predict(german), model.predict(table));
  }
}

TEST(DateFeatures, SurviveTheirJson) {
  const Table table = Table::from_text(hourly(60, "ymd"));
  const std::vector<std::int64_t> rows = all_rows(table.rows());
  const auto targets = table.column("riders").numbers();
  const ColumnUse use = {.without = {"riders"}};
  const TableEncoder encoder = TableEncoder::fit({table, rows}, targets, use);
  const nlohmann::json json = encoder.to_json();
  EXPECT_EQ(TableEncoder::from_json(json, "a").encode({table, rows}), encoder.encode({table, rows}));
  const nlohmann::json trees = TreeEncoder::fit({table, rows}, targets, use).to_json();
  EXPECT_EQ(nlohmann::json(TreeEncoder::from_json(trees, "a").to_json()), trees);
  nlohmann::json damaged = json;
  for (auto& group : damaged["groups"]) {
    if (group["group"] == "periodic") group["part"] = "year";
  }
  EXPECT_THROW(TableEncoder::from_json(damaged, "a"), Error);
}

}  // namespace
}  // namespace unroll
