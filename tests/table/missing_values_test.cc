#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "io/error_of.h"
#include "unroll/options.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::int64_t> missing_in(const Table& table, const char* column) {
  std::vector<std::int64_t> rows;
  for (std::int64_t row = 0; row < table.rows(); ++row) {
    if (table.column(column).is_missing(row)) rows.push_back(row);
  }
  return rows;
}

TEST(MissingValues, CountForAllColumnsOrForOne) {
  const char* csv = "a,b,c\n1,-200,x\n-200,2,none\n-200.0,-20,x\n3, -2e2 ,none\n";
  const Table all = Table::from_text(csv, {.missing_values = {"-200", "none"}});
  EXPECT_THAT(missing_in(all, "a"), ElementsAre(1, 2));
  EXPECT_THAT(missing_in(all, "b"), ElementsAre(0, 3));
  EXPECT_THAT(missing_in(all, "c"), ElementsAre(1, 3));
  EXPECT_THAT(all.notes(), ElementsAre("6 cells, first in line 2: missing, by missing-value"));
  const Table one = Table::from_text(csv, {.missing_values = {"b=-200"}});
  EXPECT_THAT(missing_in(one, "a"), ElementsAre());
  EXPECT_THAT(missing_in(one, "b"), ElementsAre(0, 3));
}

TEST(MissingValues, ThatNoCellHasAreSaid) {
  const char* csv = "a,b\n1,-200\n-200.0,7\n";
  const auto notes = [&](const std::vector<std::string>& values) {
    return reading_notes(Table::from_text(csv, {.missing_values = values}));
  };
  EXPECT_THAT(notes({"-200"}), ElementsAre("2 cells, first in line 2: missing, by missing-value"));
  EXPECT_THAT(notes({"b=-200", "a=-200", "-200.0"}), ElementsAre(HasSubstr("2 cells")));
  EXPECT_THAT(notes({"a=7", "b=7", "none"}),
              ElementsAre(HasSubstr("1 cell,"), "missing-value \"a=7\": no cell has this value",
                          "missing-value \"none\": no cell has this value"));
  EXPECT_THAT(Table::from_text(csv, {.missing_values = {"a=7"}}).notes(), ElementsAre()) << "predict shows these";
}

TEST(MissingValues, MayHaveDecimalCommas) {
  const Table table = Table::from_text("a;b\n1,5;x\n-200,0;y\n2,5;z\n-200,5;z\n", {.missing_values = {"-200"}});
  EXPECT_THAT(missing_in(table, "a"), ElementsAre(1));
  EXPECT_EQ(table.column("a").numbers()[3], -200.5);
}

TEST(MissingValues, AreReadByTheFormOfTheirColumn) {
  const auto missing = [](const std::string& csv, const char* value) {
    return missing_in(Table::from_text(csv, {.missing_values = {value}}), "a");
  };
  EXPECT_THAT(missing("a;b\n1.000;x\n2.500,5;y\n1;z\n", "1"), ElementsAre(2)) << "1.000 is a thousand";
  EXPECT_THAT(missing("a;b\n9,999;x\n2,5;y\n9999;z\n", "9999"), ElementsAre(2));
  EXPECT_THAT(missing("a;b\n-9.999;x\n1.234,5;y\n3;z\n", "-9999"), ElementsAre(0));
  for (const char* cell : {"-999 %", "$-999", "(999)", "\u2212999", "-999,00 \u20ac"}) {
    const std::string_view text = cell;
    const bool comma = text.find(',') != std::string_view::npos;
    const std::string unit = text.ends_with('%') ? " %" : text.starts_with('$') ? "$" : comma ? " \u20ac" : "";
    const auto with_unit = [&](const char* number) { return unit == "$" ? unit + number : number + unit; };
    const std::string csv =
        "a;b\n" + with_unit(comma ? "1,5" : "1.5") + ";x\n" + cell + ";y\n" + with_unit("7") + ";z\n";
    EXPECT_THAT(missing(csv, "-999"), ElementsAre(1)) << csv;
  }
  const TableOptions codes = {.as = {{"a", ColumnKind::category}}, .missing_values = {"0"}};
  EXPECT_THAT(missing_in(Table::from_text("a,b\n0,1\n00,2\n000,3\n", codes), "a"), ElementsAre(0));
}

TEST(MissingValues, OfAllColumnsMayNameRows) {
  const TableOptions options = {.missing_values = {"999"}, .id = "id"};
  const Table table = Table::from_text("id,a\n999,1\n1000,999\n", options);
  EXPECT_THAT(missing_in(table, "id"), ElementsAre());
  EXPECT_THAT(missing_in(table, "a"), ElementsAre(1));
}

TEST(MissingValues, MayBeInColumnsWithEqualsSigns) {
  const char* csv = "a,a=b\n1,1\n2,2\n";
  EXPECT_THAT(missing_in(Table::from_text(csv, {.missing_values = {"a=b=1"}}), "a=b"), ElementsAre(0));
  EXPECT_THAT(missing_in(Table::from_text(csv, {.missing_values = {"a=1"}}), "a"), ElementsAre(0));
  EXPECT_THAT(missing_in(Table::from_text("c\nd=e\nf\nf\n", {.missing_values = {"c=d=e"}}), "c"), ElementsAre(0));
  const Error error = error_of([&] { Table::from_text(csv, {.missing_values = {"x=1"}}); });
  EXPECT_THAT(error.what(), HasSubstr("has no column \"x\""));
}

TEST(MissingValues, OfARequiredColumnLeaveTheRowOut) {
  const Table table = Table::from_text("a,y\n1,-1\n2,5\n3,-1\n", {.missing_values = {"y=-1"}, .required = "y"});
  EXPECT_EQ(table.rows(), 1);
}

TEST(MissingValues, OfARequiredColumnAreReadByItsForm) {
  const TableOptions options = {.missing_values = {"-200"}, .required = "y"};
  const Table table = Table::from_text("a;y\n1;-200,0\n2;5,5\nNA;-200\n4; -2e2\n5;7,0\n6;\n", options);
  EXPECT_EQ(table.rows(), 2);
  EXPECT_EQ(table.line(0), 3);
  EXPECT_EQ(table.line(1), 6);
  EXPECT_THAT(table.column("a").numbers(), ElementsAre(2, 5));
  EXPECT_THAT(table.column("y").numbers(), ElementsAre(5.5, 7));
  EXPECT_THAT(table.notes(),
              ElementsAre("4 rows without a value in column \"y\", first in line 2: left out, and not numbered",
                          "3 cells, first in line 2: missing, by missing-value"));
  const Error error = error_of([&] { Table::from_text("a,y\n1,-200.0\n2,-2e2\n", options); });
  EXPECT_STREQ(error.what(), "the table: no row has a value in column \"y\"");
}

}  // namespace
}  // namespace unroll
