#include "unroll/table.h"

#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "io/error_of.h"
#include "table/cell_values.h"
#include "table/data_file.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

/// A table with the column h, one cell of the list per line.
Table column_of(const std::vector<std::string>& cells, const TableOptions& options = {}) {
  std::string csv = "h,i\n";
  for (const std::string& cell : cells) csv += cell + ",1\n";
  return Table::from_text(csv, options);
}

ColumnKind kind_of(const std::vector<std::string>& cells) { return column_of(cells).column("h").kind(); }

std::vector<std::string> repeated(const std::vector<std::string>& cells, int times) {
  std::vector<std::string> all;
  for (int i = 0; i < times; ++i) all.insert(all.end(), cells.begin(), cells.end());
  return all;
}

TEST(CellValues, NumbersAreDecimal) {
  const std::vector<std::pair<const char*, double>> numbers = {{"0", 0},
                                                               {"-12", -12},
                                                               {"+1.5", 1.5},
                                                               {".5", 0.5},
                                                               {"5.", 5},
                                                               {"1e6", 1e6},
                                                               {"1.5E-3", 1.5e-3},
                                                               {"$1,234,567", 1234567},
                                                               {"-$1,234.5", -1234.5},
                                                               {"12,345", 12345},
                                                               {"999999999999999", 999999999999999},
                                                               {"12345678901234567890", 12345678901234567890.0},
                                                               {"007", 7}};
  for (const auto& [text, number] : numbers) EXPECT_EQ(parse_number(text), number) << text;
  for (const char* text : {"", "-", "$", "1,23", "1,2345", ",123", "1234,567", "1,234,", "0x10", "inf", "nan", "1e999",
                           "1 2", "12a", "--1", "1.2.3", "1,2.3", "4,5"}) {
    EXPECT_EQ(parse_number(text), std::nullopt) << text;
  }
}

TEST(CellValues, DatesAreIsoOrAmerican) {
  const std::vector<std::pair<const char*, double>> dates = {{"1970-01-01", 0},
                                                             {"1969-12-31", -1},
                                                             {"2020-02-29", 18321},
                                                             {"2020-02-29 12:00", 18321.5},
                                                             {"2020-02-29T06:00:00.0Z", 18321.25},
                                                             {"2020-02-29T18:00:00+01:00", 18321.75},
                                                             {"2/29/2020", 18321},
                                                             {"12/31/1969", -1},
                                                             {"0001-01-01", -719162}};
  for (const auto& [text, days] : dates) EXPECT_EQ(parse_date(text), days) << text;
  for (const char* text : {"2019-02-29", "2020-13-01", "2020-1-1", "13/1/2020", "1/1/20", "2020/01/01",
                           "2020-01-01 24:00", "2020-01-01x", "20200101", "2020-01-01T10:00:x", "2020-01-01 10"}) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
  EXPECT_EQ(date_text(18321.5), "2020-02-29");
  EXPECT_EQ(date_text(-1), "1969-12-31");
}

TEST(CellValues, TokensStandBetweenCommas) {
  std::vector<std::string> tokens;
  for_each_token(" Walk-in Closet,, Gas ,x", [&](std::string_view token) { tokens.emplace_back(token); });
  EXPECT_THAT(tokens, ElementsAre("Walk-in Closet", "Gas", "x"));
}

TEST(Table, FindsNumbers) {
  EXPECT_EQ(kind_of({"1", "", "-2.5", " 3 ", "NA"}), ColumnKind::number);
  EXPECT_EQ(kind_of({"1", "2", "a", "b"}), ColumnKind::number);
  EXPECT_EQ(kind_of({"1", "a", "b"}), ColumnKind::category);
  EXPECT_EQ(kind_of({"1", "\"\"", "NA", ""}), ColumnKind::number);
}

TEST(Table, TakesLeadingZerosForCodes) {
  EXPECT_EQ(kind_of({"01234", "94110", "94111"}), ColumnKind::category);
  EXPECT_EQ(kind_of({"0", "0.5", "10"}), ColumnKind::number);
  std::vector<std::string> cells(200, "1");
  cells[7] = "007";
  EXPECT_EQ(kind_of(cells), ColumnKind::number);
  cells[8] = "007";
  EXPECT_EQ(kind_of(cells), ColumnKind::category);
}

TEST(Table, FindsDates) {
  EXPECT_EQ(kind_of({"2020-01-31", "2020-02-01", "soon"}), ColumnKind::date);
  EXPECT_EQ(kind_of({"1/31/2020", "12/1/2020"}), ColumnKind::date);
}

TEST(Table, FindsLists) {
  EXPECT_EQ(kind_of(repeated({"\"Gas, Electric\"", "Gas", "\"Solar, Gas\"", ""}, 4)), ColumnKind::list);
  EXPECT_EQ(kind_of({"\"Gas, Electric\"", "Wood"}), ColumnKind::category);                            // used once each
  EXPECT_EQ(kind_of(repeated({"\"Gas, Wood\"", "a", "a", "a", "a", "a"}, 4)), ColumnKind::category);  // one in six
  EXPECT_EQ(kind_of(repeated({"\"with a very long name that can hardly be called a token by anybody,b\""}, 4)),
            ColumnKind::category);
}

TEST(Table, FindsTexts) {
  const std::string sentence = "A charming house near everything and number ";
  std::vector<std::string> cells;
  for (int i = 0; i < 9; ++i) cells.push_back(sentence + std::to_string(i));
  EXPECT_EQ(kind_of(cells), ColumnKind::text);
  EXPECT_EQ(kind_of(repeated(cells, 2)), ColumnKind::category);
  EXPECT_EQ(kind_of({"a house", "a home"}), ColumnKind::category);
}

TEST(Table, TakesOnlyMissingForCategories) { EXPECT_EQ(kind_of({"", "NA", "?"}), ColumnKind::category); }

TEST(Table, KnowsWhatIsMissing) {
  const std::vector<std::string> cells = {"",     "NA",   "N/A", "n/a",  "NaN",    "nan", "NULL",
                                          "null", "None", "?",   " NA ", "\"NA\"", "x"};
  for (const ColumnKind kind :
       {ColumnKind::number, ColumnKind::category, ColumnKind::date, ColumnKind::list, ColumnKind::text}) {
    const Table table = column_of(cells, {.as = {{"h", kind}}});
    for (std::int64_t row = 0; row < table.rows(); ++row) {
      EXPECT_EQ(table.column("h").is_missing(row), row + 1 < table.rows()) << cells[static_cast<std::size_t>(row)];
    }
  }
}

TEST(Table, TakesEmptyQuotesForEmptyText) {
  const auto first_is_missing = [](ColumnKind kind) {
    return column_of({"\"\""}, {.as = {{"h", kind}}}).column("h").is_missing(0);
  };
  EXPECT_TRUE(first_is_missing(ColumnKind::number));
  EXPECT_TRUE(first_is_missing(ColumnKind::date));
  EXPECT_FALSE(first_is_missing(ColumnKind::category));
  EXPECT_FALSE(first_is_missing(ColumnKind::list));
  EXPECT_FALSE(first_is_missing(ColumnKind::text));
}

TEST(Table, KeepsNumbersAndWhatDoesNotFit) {
  const Table table = column_of({"3", "\"Closet, Den\"", "", "4"});
  const Column& column = table.column("h");
  EXPECT_THAT(column.numbers(), ElementsAre(3, testing::IsNan(), testing::IsNan(), 4));
  ASSERT_EQ(column.unparsed().size(), 1U);
  EXPECT_EQ(column.unparsed()[0].row, 1);
  EXPECT_EQ(column.unparsed()[0].text, "Closet, Den");
  EXPECT_FALSE(column.is_missing(1));
  EXPECT_TRUE(column.is_missing(2));
}

TEST(Table, ABlankRowThatIsShortTakesNothingFromTheRowBefore) {
  const Table table = Table::from_text("a,b,c\n1,2,3\n,\n4,5,\n,,\n6,7,8\n");
  EXPECT_THAT(table.column("a").numbers(), ElementsAre(1, 4, 6));
  EXPECT_THAT(table.column("c").numbers(), ElementsAre(3, testing::IsNan(), 8));
  EXPECT_EQ(table.line(2), 6);
}

TEST(Table, KeepsDatesAsDays) {
  EXPECT_THAT(column_of({"1970-01-02", "", "1970-01-03"}).column("h").numbers(), ElementsAre(1, testing::IsNan(), 2));
}

TEST(Table, KeepsCategoriesAsCodes) {
  const Table table = column_of({"b", "a", "", "b ", "\"\""});
  const Column& column = table.column("h");
  EXPECT_THAT(column.codes(), ElementsAre(0, 1, -1, 0, 2));
  EXPECT_EQ(column.levels().size(), 3);
  EXPECT_EQ(column.levels()[1], "a");
  EXPECT_EQ(column.levels().find("a"), 1);
  EXPECT_EQ(column.levels().find("c"), -1);
}

TEST(Table, KeepsListsAsTokens) {
  const Table table = column_of({"\"a, b\"", "", "b", "\"\""}, {.as = {{"h", ColumnKind::list}}});
  const Column& column = table.column("h");
  EXPECT_THAT(column.tokens(0), ElementsAre(0, 1));
  EXPECT_THAT(column.tokens(1), ElementsAre());
  EXPECT_THAT(column.tokens(2), ElementsAre(1));
  EXPECT_TRUE(column.is_missing(1));
  EXPECT_FALSE(column.is_missing(3));
}

TEST(Table, KeepsTextsAsTheyAre) {
  const std::string longest(300, 'x');
  const Table table = column_of({"\" a\n\"", "NA", longest, "\"\""}, {.as = {{"h", ColumnKind::text}}});
  const Column& column = table.column("h");
  EXPECT_EQ(column.text(0), " a\n");
  EXPECT_EQ(column.text(1), "");
  EXPECT_EQ(column.text(2), longest);
  EXPECT_EQ(column.text(3), "");
  EXPECT_EQ(table.line(2), 5);
}

TEST(Table, LevelsAreFoundAgain) {
  Levels levels;
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(levels.add(std::to_string(i)), i);
  for (int i = 0; i < 10'000; ++i) EXPECT_EQ(levels.find(std::to_string(i)), i);
  EXPECT_EQ(levels.add("77"), 77);
  EXPECT_EQ(levels.size(), 10'000);
  EXPECT_EQ(levels.find(""), -1);
  EXPECT_EQ(Levels().find("a"), -1);
}

TEST(Table, KindsCanBeSaid) {
  const TableOptions options{.as = {{"MSSubClass", ColumnKind::category}, {"text", ColumnKind::number}}};
  const Table table = Table::from_text("MSSubClass,text\n20,x\n60,7\n60,y\n", options);
  EXPECT_THAT(table.column("MSSubClass").codes(), ElementsAre(0, 1, 1));
  EXPECT_EQ(table.column("text").unparsed().size(), 2U);
}

TEST(Table, ColumnsCanBeDropped) {
  const Table table = Table::from_text("a,b,c\n1,2,3\n", {.drop = {"b"}});
  ASSERT_EQ(table.columns().size(), 2U);
  EXPECT_EQ(table.columns()[1].name(), "c");
  EXPECT_EQ(table.columns()[1].numbers()[0], 3);
  EXPECT_EQ(table.find("b"), nullptr);
}

TEST(Table, RefusesColumnsThatAreNotThere) {
  const auto complaint = [](const TableOptions& options) {
    const Error error = error_of([&] { Table::from_text("a,b\n1,2\n", options, "a.csv"); });
    EXPECT_EQ(error.code(), ExitCode::usage);
    return std::string(error.what());
  };
  EXPECT_THAT(complaint({.drop = {"c"}}), AllOf(HasSubstr("a.csv: "), HasSubstr("\"c\""), HasSubstr("\"a\", \"b\"")));
  EXPECT_THAT(complaint({.as = {{"c", ColumnKind::number}}}), HasSubstr("\"c\""));
  EXPECT_THAT(complaint({.drop = {"a", "b"}}), HasSubstr("every column is dropped"));
  EXPECT_EQ(error_of([] { Table::from_text("a\n1\n").column("b"); }).code(), ExitCode::usage);
}

TEST(Table, ReadsTheAmesHouses) {
  const std::string file = data_file("ames/train.csv");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there: set UNROLL_DATA";
  const Table table = Table::read(file);
  EXPECT_EQ(table.rows(), 1460);
  EXPECT_EQ(table.columns().size(), 81U);
  const auto count = [&](ColumnKind kind) { return std::ranges::count(table.columns(), kind, &Column::kind); };
  EXPECT_EQ(count(ColumnKind::number), 38);
  EXPECT_EQ(count(ColumnKind::category), 43);
  EXPECT_EQ(table.column("Neighborhood").levels().size(), 25);
  EXPECT_EQ(table.column("SalePrice").numbers()[0], 208500);
}

}  // namespace
}  // namespace unroll
