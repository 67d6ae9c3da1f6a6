// Tables in workbooks: numbers and dates of their cells are in no form, texts in cells are read as in CSV.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/temporary_folder.h"
#include "io/workbooks.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A sheet with columns x and y, whose cells are XML without <c> and </c>.
Table sheet_table(const std::vector<std::pair<std::string, std::string>>& cells, const TableOptions& options = {}) {
  std::string rows = "<sheetData>";
  const auto add = [&](const std::string& x, const std::string& y) {
    rows += "<row><c " + x + "</c><c " + y + "</c></row>";
  };
  add("t=\"inlineStr\"><is><t>x</t></is>", "t=\"inlineStr\"><is><t>y</t></is>");
  for (const auto& [x, y] : cells) add(x, y);
  const TestWorkbook workbook{.sheets = {{"A", rows + "</sheetData>"}}, .styles = {0, 14}};
  const TemporaryFolder folder;
  return Table::read(folder.file("a.xlsx", workbook.bytes()), options);
}

std::string number_cell(const std::string& number) { return "><v>" + number + "</v>"; }
std::string day_cell(const std::string& number) { return "s=\"1\"><v>" + number + "</v>"; }
std::string written(const std::string& text) { return "t=\"inlineStr\"><is><t>" + text + "</t></is>"; }

std::vector<double> values_in(const Table& table, const char* column) {
  const auto numbers = table.column(column).numbers();
  return {numbers.begin(), numbers.end()};
}

TEST(Sheets, NumbersOfCellsHavePointsBesideTextsWithCommas) {
  const auto table = sheet_table({{number_cell("1.234"), written("0,5")}, {number_cell("2.345"), written("1,75")}});
  EXPECT_THAT(values_in(table, "x"), ElementsAre(1.234, 2.345));
  EXPECT_THAT(values_in(table, "y"), ElementsAre(0.5, 1.75));
  EXPECT_EQ(table.column("x").form().name, "");
  EXPECT_EQ(table.delimiter(), ',');
}

TEST(Sheets, NumbersAreReadInNoFormOfAModel) {
  TableOptions options = {.as = {{"x", ColumnKind::number}, {"y", ColumnKind::number}},
                          .forms = {{"x", "1.234,5"}, {"y", "1234,5"}}};
  const auto table =
      sheet_table({{number_cell("1.234"), number_cell("1.5")}, {number_cell("2.5"), written("2,5")}}, options);
  EXPECT_THAT(values_in(table, "x"), ElementsAre(1.234, 2.5));
  EXPECT_THAT(values_in(table, "y"), ElementsAre(1.5, 2.5));
  EXPECT_EQ(table.column("x").form().name, "");
  EXPECT_TRUE(unparsed_notes(table).empty());
}

TEST(Sheets, DatesOfCellsLeaveTheOrderToTexts) {
  const auto table = sheet_table({{day_cell("43831"), day_cell("43831")},
                                  {day_cell("43832"), number_cell("1")},
                                  {written("31/01/2020"), day_cell("43832")}});
  EXPECT_EQ(table.column("x").kind(), ColumnKind::date);
  EXPECT_THAT(values_in(table, "x"), ElementsAre(18262, 18263, 18292));
  EXPECT_EQ(table.column("x").form().name, "dmy");
  EXPECT_EQ(table.column("y").kind(), ColumnKind::date);
  EXPECT_EQ(table.column("y").unparsed().size(), 1U);
  const auto remembered =
      sheet_table({{day_cell("43831"), day_cell("43831")}, {day_cell("43832"), number_cell("86400")}},
                  {.as = {{"x", ColumnKind::date}, {"y", ColumnKind::date}}, .forms = {{"x", "dmy"}, {"y", "unix"}}});
  EXPECT_THAT(values_in(remembered, "x"), ElementsAre(18262, 18263));
  EXPECT_THAT(values_in(remembered, "y"), ElementsAre(18262, 1));
}

TEST(Sheets, LinesAreRowsOfTheSheet) {
  const auto table = sheet_table({{number_cell("1"), ">"}, {number_cell("2"), number_cell("3")}}, {.required = "y"});
  EXPECT_EQ(table.line(0), 3);
  EXPECT_THAT(table.notes(), ElementsAre(HasSubstr("sheet \"A\""), HasSubstr("first in line 2: left out")));
}

}  // namespace
}  // namespace unroll
