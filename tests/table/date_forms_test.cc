// One column of dates is written in every form, delimiter and quoting. It must be read equally or be refused with a
// line.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>

#include "table/date_form.h"
#include "table/date_writings.h"
#include "unroll/error.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using testing::HasSubstr;

std::string csv_of(const DatePattern& pattern, char delimiter, bool quote_all) {
  std::string csv = fmt::format("id{0}when\n", delimiter);
  int id = 0;
  for (const Moment& moment : written_moments) {
    const std::string cell = written_date(moment, pattern.text);
    const bool quote = quote_all || cell.find(delimiter) != std::string::npos;
    csv += fmt::format("{0}{1}{2}{3}{2}\n", ++id, delimiter, quote ? "\"" : "", cell);
  }
  return csv;
}

template <class Check>
void in_every_file(const DatePattern& pattern, const Check& check) {
  for (const char delimiter : {',', ';', '\t', '|'}) {
    for (const bool quote_all : {false, true}) {
      SCOPED_TRACE(fmt::format("{}, delimiter {}, quotes {}", pattern.text, delimiter, quote_all));
      check(csv_of(pattern, delimiter, quote_all));
    }
  }
}

TEST(DateForms, DatesAreReadAlikeInEveryForm) {
  for (const DatePattern& pattern : date_patterns) {
    in_every_file(pattern, [&](const std::string& csv) {
      const Table table = Table::from_text(csv);
      const Column& column = table.column("when");
      ASSERT_EQ(column.kind(), ColumnKind::date);
      EXPECT_EQ(column.form().name, name_of(pattern.form));
      EXPECT_FALSE(column.form().undecided);
      EXPECT_TRUE(column.unparsed().empty());
      for (std::size_t i = 0; i < std::size(written_moments); ++i)
        EXPECT_EQ(column.numbers()[i], days_of(written_moments[i], pattern)) << i;
    });
  }
}

TEST(DateForms, AnotherOrderIsNeverReadAsTheRememberedOne) {
  for (const DateForm form : {DateForm::ymd, DateForm::dmy, DateForm::mdy}) {
    const TableOptions remembered = {.as = {{"when", ColumnKind::date}}, .forms = {{"when", name_of(form)}}};
    for (const DatePattern& pattern : date_patterns) {
      in_every_file(pattern, [&](const std::string& csv) {
        try {
          const Table table = Table::from_text(csv, remembered);
          EXPECT_EQ(form, pattern.form);
          EXPECT_TRUE(table.column("when").unparsed().empty());
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), ExitCode::bad_data);
          EXPECT_THAT(error.what(), HasSubstr(": line "));
          EXPECT_NE(form, pattern.form) << error.what();
        }
      });
    }
  }
}

Column dates(const std::vector<std::string>& cells, const TableOptions& options = {}) {
  std::string csv = "when|x\n";
  for (const std::string& cell : cells) csv += cell + "|1\n";
  return Table::from_text(csv, options).column("when");
}

TEST(DateForms, AnAmbiguousOrderIsSaid) {
  const Column slashes = dates({"1/2/2020", "3/4/2020"}), points = dates({"1.2.2020", "3.4.2020"});
  EXPECT_EQ(slashes.form().name, "mdy");
  EXPECT_TRUE(slashes.form().undecided);
  EXPECT_EQ(points.form().name, "dmy");
  EXPECT_TRUE(points.form().undecided);
  const Column given = dates({"1/2/2020"}, {.as = {{"when", ColumnKind::date}}, .forms = {{"when", "dmy"}}});
  EXPECT_EQ(given.numbers()[0], 18293);
  const Table table = Table::from_text("a,b\n1/2/2020,13/1/2020\n3/4/2020,1/1/2020\n");
  EXPECT_EQ(table.column("a").form().name, "dmy");
  EXPECT_THAT(reading_notes(table),
              testing::ElementsAre(HasSubstr("no cell decides"), HasSubstr("\"13/1/2020\" in line 2")));
}

TEST(DateForms, TheColumnDecidesAndOtherCellsAreLeftUnparsed) {
  const Column column = dates({"1/2/2020", "13/4/2020", "14/4/2020", "4/14/2020", "soon"});
  EXPECT_EQ(column.form().name, "dmy");
  ASSERT_EQ(column.unparsed().size(), 2U);
  EXPECT_EQ(column.unparsed()[0].text, "4/14/2020");
}

TEST(DateForms, UnixSecondsAreReadOnRequest) {
  const TableOptions unix_seconds = {.as = {{"when", ColumnKind::date}}, .forms = {{"when", "unix"}}};
  EXPECT_EQ(dates({"0", "43200"}, unix_seconds).numbers()[1], 0.5);
  EXPECT_EQ(dates({"1600000000", "1600000001"}).kind(), ColumnKind::number);
}

TEST(DateForms, YearsOfTwoDigitsAreThoseOfPosix) {
  EXPECT_EQ(read_date("31.12.68", DateForm::dmy), read_date("31.12.2068", DateForm::dmy));
  EXPECT_EQ(read_date("31.12.69", DateForm::dmy), read_date("31.12.1969", DateForm::dmy));
}

TEST(DateForms, YearsOfTwoDigitsVaryLessThanDays) {
  const Column numbers = dates({"20-01-29", "20-01-30", "20-01-31", "20-02-01"});
  EXPECT_EQ(numbers.form().name, "ymd");
  EXPECT_TRUE(numbers.form().undecided);
  EXPECT_EQ(numbers.form().other, "dmy");
  EXPECT_EQ(numbers.numbers()[3], read_date("2020-02-01", DateForm::ymd));
  const Column day_first = dates({"29.01.20", "30.01.20", "31.01.20", "01.02.20"});
  EXPECT_EQ(day_first.form().name, "dmy");
}

TEST(DateForms, AYearOfTwoDigitsIsBehindTheNameOfAMonth) {
  const Column named = dates({"31-Jan-20", "11-Feb-21"});
  EXPECT_EQ(named.form().name, "dmy");
  EXPECT_FALSE(named.form().undecided);
  EXPECT_EQ(read_date("31-Jan-20", DateForm::ymd), std::nullopt);
}

TEST(DateForms, WhatIsNoDateIsNotRead) {
  for (const char* text : {"", "2019-02-29", "2020-13-01", "2020-1-", "1/2", "20200132", "202001011", "2020-01-01x",
                           "2020-01-01 24:00", "2020-01-01 10", "1/2-2020", "Mayor 3 2020", "32 Jan 2020", "1.2.3",
                           "12:30", "2020-01-01 13:00 PM", "1 2 3 4", "99999-01-01"}) {
    for (const DateForm form : {DateForm::ymd, DateForm::dmy, DateForm::mdy})
      EXPECT_EQ(read_date(text, form), std::nullopt) << text;
  }
  EXPECT_EQ(dates({"20200101", "20200102", "12345678"}).kind(), ColumnKind::number);
}

}  // namespace
}  // namespace unroll
