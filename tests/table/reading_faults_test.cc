// Tables that were read wrongly without a word, each with what is read now.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "io/error_of.h"
#include "table/number_form.h"
#include "unroll/error.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Table faulty(const std::string& csv, const TableOptions& options = {}) { return Table::from_text(csv, options, "t"); }

std::vector<double> numbers_in(const Table& table, const char* column = "x") {
  const auto numbers = table.column(column).numbers();
  return {numbers.begin(), numbers.end()};
}

std::string form_in(const Table& table, const char* column = "x") { return table.column(column).form().name; }

TEST(ReadingFaults, PaddedDatesWithYearsOfTwoDigitsDoNotBeginWithTheYear) {
  const Table table = faulty("x,y\n25/12/15,1\n13/01/16,2\n31/07/15,3\n");
  EXPECT_EQ(form_in(table), "dmy");
  const Table open = faulty("x,y\n01/02/15,1\n03/04/16,2\n05/06/17,3\n");
  EXPECT_EQ(form_in(open), "mdy");
  EXPECT_THAT(reading_notes(open), Contains(HasSubstr("no cell decides")));
  const Table usual = faulty("x,y\n2020-01-31,1\n2020-02-01,2\nlater,3\n");
  EXPECT_EQ(form_in(usual), "ymd");
  EXPECT_THAT(reading_notes(usual), IsEmpty());
}

TEST(ReadingFaults, ARememberedOrderOfYearsOfTwoDigitsIsSaidToBeOpen) {
  const TableOptions remembered = {.as = {{"x", ColumnKind::date}}, .forms = {{"x", "ymd"}}};
  EXPECT_THAT(reading_notes(faulty("x,y\n05/06/07,1\n01/02/08,2\n", remembered)),
              Contains(HasSubstr("no cell decides")));
  EXPECT_THAT(reading_notes(faulty("x,y\n2005-06-07,1\n2001-02-08,2\n", remembered)), IsEmpty());
}

TEST(ReadingFaults, AMinusForNoCentsIsNoSign) {
  EXPECT_THAT(numbers_in(faulty("x,y\n12.50,1\n5.-,2\n7.25,3\n100.-,4\n")), ElementsAre(12.5, 5, 7.25, 100));
  EXPECT_THAT(numbers_in(faulty("x;y\n12,50;1\n100,-;2\n")), ElementsAre(12.5, 100));
  EXPECT_THAT(numbers_in(faulty("x,y\n12.50,1\n100-,2\n")), ElementsAre(12.5, -100));
}

TEST(ReadingFaults, AGroupDoesNotBeginWithZero) {
  const Table table = faulty("y;x\n1;0,500\n2;1.25\n3;7.75\n");
  EXPECT_EQ(table.column("x").unparsed().size(), 1u);
  const TableOptions plain = {.as = {{"x", ColumnKind::number}}, .forms = {{"x", "plain"}}};
  EXPECT_THAT(error_of([&] { faulty("y;x\n1;0,500\n2;0,250\n", plain); }).what(), HasSubstr("\"0,500\""));
}

TEST(ReadingFaults, UnitsMayHaveAnyLetters) {
  EXPECT_THAT(numbers_in(faulty("x,y\n5 °C,1\n6 °C,2\n7 °C,3\n")), ElementsAre(5, 6, 7));
  EXPECT_THAT(numbers_in(faulty("x,y\n5 m²,1\n6 m²,2\n7 m²,3\n")), ElementsAre(5, 6, 7));
}

TEST(ReadingFaults, ALineThatMayBeACommentIsSaidToBeTheHeader) {
  const Table units = faulty("# units, millions\n2019,2020\n1,2\n3,4\n");
  EXPECT_THAT(reading_notes(units), Contains(HasSubstr("with # taken for the names of the columns")));
  const Table comments = faulty("#source: a, b\n#date: 1\nx,y\n1,2\n3,4\n");
  EXPECT_EQ(comments.rows(), 2);
  EXPECT_THAT(numbers_in(comments), ElementsAre(1, 3));
  EXPECT_EQ(faulty("#x,name\n1,a\n2,b\n").rows(), 2) << "names of columns before cells with letters";
}

TEST(ReadingFaults, EmptyLinesBetweenRowsAreCounted) {
  EXPECT_THAT(reading_notes(faulty("x,y\n1,2\n\n\n3,4\n\n")), Contains(HasSubstr("2 blank rows, first in line 3")));
  EXPECT_THAT(reading_notes(faulty("x,y\n1,2\n3,4\n\n\n")), IsEmpty());
}

TEST(ReadingFaults, AFormWithMultiplierAndCurrencyReadsItsOwnName) {
  for (const char* csv : {"x,y\n5.5k€,1\n6.5k€,2\n7.5k€,3\n", "x,y\n5.5k EUR,1\n6.5k EUR,2\n7.5k EUR,3\n",
                          "x,y\n5.5M€,1\n6k€,2\n7€,3\n"}) {
    const std::string name = form_in(faulty(csv));
    const auto form = NumberForm::named(name);
    ASSERT_TRUE(form) << name;
    EXPECT_EQ(form->name(), name);
    const TableOptions remembered = {.as = {{"x", ColumnKind::number}}, .forms = {{"x", name}}};
    EXPECT_EQ(numbers_in(faulty(csv, remembered)), numbers_in(faulty(csv))) << name;
  }
}

TEST(ReadingFaults, PairsBesideCommasDoNotDecideForOtherColumns) {
  const Table table = faulty("x,ids,y\n1,\"2,3\",3\n2,\"5,7\",4\n3,\"4,1\",5\n");
  EXPECT_EQ(form_in(table), "");
  const Table partly = faulty("x,ids,p\n1,\"2,3\",\"4,706\"\n2,\"5,7,9\",\"2,720\"\n3,\"4,1\",\"3,111\"\n");
  EXPECT_THAT(numbers_in(partly, "p"), ElementsAre(4706, 2720, 3111));
}

TEST(ReadingFaults, OneOddColumnDoesNotTurnTheDecimalMarkOfTheOutput) {
  EXPECT_EQ(faulty("id,x,note\n1,1.5,192.168.100.200\n2,2.5,192.168.100.201\n").decimal_mark(), '.');
  EXPECT_EQ(faulty("id;x\n1;1,5\n2;2,5\n").decimal_mark(), ',');
}

TEST(ReadingFaults, ThePlainFormReadsSignsBehindToo) {
  const TableOptions plain = {.as = {{"x", ColumnKind::number}}, .forms = {{"x", "plain"}}};
  EXPECT_THAT(numbers_in(faulty("x,y\n(5),1\n5-,2\n\u22125,3\n10+,4\n\"1,500+\",5\n", plain)),
              ElementsAre(-5, -5, -5, 10, 1500));
}

}  // namespace
}  // namespace unroll
