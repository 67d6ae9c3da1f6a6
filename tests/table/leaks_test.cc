#include "table/leaks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <numeric>

namespace unroll {
namespace {

using testing::ElementsAre;

std::vector<double> numbers_in(std::string_view text) {
  std::vector<double> numbers;
  for_each_number_in(text, [&](double number, std::string_view) { numbers.push_back(number); });
  return numbers;
}

TEST(NumbersInText, AreReadWithAndWithoutCommas) {
  EXPECT_THAT(numbers_in("sold for $1,234,000, or 1234000. Was 12.5"), ElementsAre(1234000, 1234000, 12.5));
  EXPECT_THAT(numbers_in("lots 3,4 and v1.2.3"), ElementsAre(3, 4, 1, 2.3));
  EXPECT_THAT(numbers_in("none, at all."), ElementsAre());
  EXPECT_THAT(numbers_in("7"), ElementsAre(7));
}

TEST(NumbersInText, SayWhereTheyAre) {
  std::string masked = "sold for $1,234,000.";
  for_each_number_in(masked, [&](double, std::string_view where) { EXPECT_EQ(where, "1,234,000"); });
}

/// A table with the remark note(row, price) and the price in each row.
template <class Note>
Table prices(int rows, Note note, const TableOptions& options = {}) {
  std::string csv = "Remark,Price\n";
  for (int i = 0; i < rows; ++i) {
    const std::string price = std::to_string(100'000 + 7'919 * i % 900'000);
    csv += fmt::format("\"{}\",{}\n", note(i, price), price);
  }
  return Table::from_text(csv, options);
}

std::vector<Leak> leaks_of(const Table& table, const std::string& of = "Price") {
  const Column* const column = &table.column(of);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(table.rows()));
  std::iota(rows.begin(), rows.end(), 0);
  return find_leaks({table, rows}, std::span(&column, 1));
}

std::string in_every_tenth(int i, const std::string& price) {
  return i % 10 == 3 ? "a house, sold for $" + price : "a house";
}

TEST(Leaks, AreFoundInColumnsOfStringsOfEachKind) {
  for (const ColumnKind kind : {ColumnKind::text, ColumnKind::category, ColumnKind::list}) {
    const Table table = prices(100, in_every_tenth, {.as = {{"Remark", kind}}});
    const std::vector<Leak> leaks = leaks_of(table);
    ASSERT_EQ(leaks.size(), 1U);
    EXPECT_EQ(leaks[0].into->name(), "Remark");
    EXPECT_EQ(leaks[0].of->name(), "Price");
    EXPECT_THAT(leaks[0].rows, ElementsAre(3, 13, 23, 33, 43, 53, 63, 73, 83, 93));
  }
}

TEST(Leaks, AreFoundWithCommasAndDecimals) {
  const auto with_comma = [](int, const std::string& price) {
    return "for " + price.substr(0, 3) + "," + price.substr(3) + ".00 dollars";
  };
  EXPECT_EQ(leaks_of(prices(20, with_comma)).size(), 1U);
}

TEST(Leaks, AreNoneInTwoRows) {
  const auto in_two = [](int i, const std::string& price) { return i < 2 ? price : "a house"; };
  EXPECT_EQ(leaks_of(prices(100, in_two)).size(), 0U);
}

TEST(Leaks, AreNoneByChance) {
  std::string csv = "Remark,Bedrooms\n";
  for (int i = 0; i < 100; ++i) csv += fmt::format("\"has {} rooms\",{}\n", i * i % 7, i % 4);
  EXPECT_EQ(leaks_of(Table::from_text(csv), "Bedrooms").size(), 0U);
}

}  // namespace
}  // namespace unroll
