#include "tabular/partial_dependence.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "tabular/rows.h"

namespace unroll {
namespace {

using testing::SizeIs;

/// The cells of a row.
struct House {
  std::string area, rooms, zone, sold, extras;
  double price = 0;
};

std::vector<House> random_houses(int count) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<House> houses;
  for (int i = 0; i < count; ++i) {
    const double area = 100 + 20 * normal(random);
    const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
    const unsigned zone = below(3) * below(2), rooms = 1 + below(5), extra = below(2);
    houses.push_back({.area = i % 10 == 0 ? "" : fmt::format("{:.3f}", area),
                      .rooms = std::to_string(rooms),
                      .zone = i % 7 == 0 ? "" : std::string(1, static_cast<char>('a' + zone)),
                      .sold = fmt::format("2020-0{}-11", 1 + i % 9),
                      .extras = extra == 1   ? "den"
                                : i % 3 == 0 ? "\"pool, pool\""
                                             : "pool",
                      .price = 2 * area + 10 * rooms + 50 * zone + 5 * extra + normal(random)});
  }
  return houses;
}

Table table_of_dependence(const std::vector<House>& houses) {
  std::string text = "area,rooms,zone,sold,extras,price\n";
  for (const House& h : houses)
    text += fmt::format("{},{},{},{},{},{}\n", h.area, h.rooms, h.zone, h.sold, h.extras, h.price);
  return Table::from_text(text, {.as = {{"extras", ColumnKind::list}}});
}

class PartialDependenceTest : public testing::Test {
 protected:
  static TableEnsemble model_of(const Table& table) {
    return TableEnsemble::fit({table, all_rows(table)}, {.target = "price", .id = ""},
                              {.members = {MemberKind::linear}});
  }

  PartialDependence of(const std::string& column) const {
    return partial_dependence(model_, {table_, all_rows(table_)}, {column, table_.column(column).kind()});
  }

  /// The mean prediction for a table with `cell` in all rows.
  double mean_with(std::string House::*column, const std::string& cell) const {
    std::vector<House> all = houses_;
    for (House& house : all) house.*column = cell;
    const Table table = table_of_dependence(all);
    double sum = 0;
    for (const double prediction : model_.predict({table, all_rows(table)})) sum += prediction;
    return sum / static_cast<double>(table.rows());
  }

  const std::vector<House> houses_ = random_houses(400);
  const Table table_ = table_of_dependence(houses_);
  const TableEnsemble model_ = model_of(table_);
};

TEST_F(PartialDependenceTest, IsTheMeanOfATableWithOneValueInAllRows) {
  const PartialDependence rooms = of("rooms"), zone = of("zone");
  ASSERT_THAT(rooms.points, SizeIs(5));
  for (const DependencePoint& point : rooms.points)
    EXPECT_EQ(point.prediction, mean_with(&House::rooms, fmt::format("{}", point.number)));
  ASSERT_THAT(zone.points, SizeIs(4));
  for (const DependencePoint& point : zone.points) {
    EXPECT_EQ(point.prediction, mean_with(&House::zone, point.level)) << point.level;  // empty: missing
  }
}

TEST_F(PartialDependenceTest, OfAKnownFunctionIsThatFunction) {
  const PartialDependence area = of("area"), rooms = of("rooms");
  const DependencePoint &low = area.points[4], &high = area.points[20];
  EXPECT_NEAR((high.prediction - low.prediction) / (high.number - low.number), 2, 0.1);
  // The lasso shrinks it by more the more features have no effect, such as those of the date here.
  for (std::size_t i = 1; i < 5; ++i) EXPECT_NEAR(rooms.points[i].prediction - rooms.points[i - 1].prediction, 10, 1.5);
}

TEST_F(PartialDependenceTest, NumbersAreQuantilesAndMissingOnesComeBehind) {
  const PartialDependence area = of("area");
  ASSERT_THAT(area.points, SizeIs(26));
  EXPECT_TRUE(area.points.back().missing);
  EXPECT_EQ(area.points.back().rows, 40);
  int below = 0;
  for (const double number : table_.column("area").numbers()) below += number < area.points[12].number ? 1 : 0;
  EXPECT_NEAR(below, 180, 1) << "of the 360 numbers, half are below the middle one";
  for (std::size_t i = 1; i < 25; ++i) EXPECT_LT(area.points[i - 1].number, area.points[i].number);
}

TEST_F(PartialDependenceTest, LevelsComeByFrequency) {
  const PartialDependence zone = of("zone");
  EXPECT_EQ(zone.points.front().level, "a");
  std::int64_t rows = 0, last = 400;
  for (const DependencePoint& point : zone.points) {
    EXPECT_LE(point.rows, last);
    last = point.rows;
    rows += point.rows;
  }
  EXPECT_EQ(rows, 400);
}

TEST_F(PartialDependenceTest, TokensTakeCellsThatHaveThem) {
  const PartialDependence extras = of("extras");
  ASSERT_THAT(extras.points, SizeIs(2));
  for (const DependencePoint& point : extras.points)
    EXPECT_EQ(point.prediction, mean_with(&House::extras, point.level)) << point.level;
  EXPECT_EQ(extras.points[0].rows + extras.points[1].rows, 400) << "a token counts once in a row";
}

TEST_F(PartialDependenceTest, DatesAreDays) {
  const PartialDependence sold = of("sold");
  ASSERT_THAT(sold.points, SizeIs(9));
  EXPECT_EQ(sold.points.front().number, 18272);  // 2020-01-11
}

}  // namespace
}  // namespace unroll
