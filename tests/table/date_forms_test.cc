// One column of dates is written in every form, delimiter and quoting. It must be read equally or be refused with a
// line.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <chrono>
#include <cmath>

#include "table/date_form.h"
#include "unroll/error.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using testing::HasSubstr;

struct Moment {
  int year, month, day, hour, minute, second;

  double days() const {
    const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day)));
    return static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count()) +
           ((60 * hour + minute) * 60 + second) / 86400.0;
  }
};

constexpr Moment moments[] = {{2017, 1, 2, 0, 5, 0},    {1999, 12, 31, 23, 59, 59}, {2020, 2, 29, 12, 0, 0},
                              {2024, 7, 13, 6, 30, 15}, {1970, 1, 1, 0, 0, 0},      {2023, 11, 25, 17, 45, 1}};

constexpr const char* months[] = {"January", "February", "March",     "April",   "May",      "June",
                                  "July",    "August",   "September", "October", "November", "December"};

/// A pattern of fmt over year, month, day, hour, minute, second, name of the month, its first three letters, year of
/// two digits, hour of a clock of 12 hours, am or pm.
std::string written(const Moment& m, const char* pattern) {
  const std::string month = months[m.month - 1];
  return fmt::format(fmt::runtime(pattern), m.year, m.month, m.day, m.hour, m.minute, m.second, month,
                     month.substr(0, 3), m.year % 100, (m.hour + 11) % 12 + 1, m.hour < 12 ? "AM" : "PM");
}

struct Pattern {
  const char* text;
  DateForm form;
  bool time = false;
};

constexpr Pattern patterns[] = {{"{0:04}-{1:02}-{2:02}", DateForm::ymd},
                                {"{0:04}{1:02}{2:02}", DateForm::ymd},
                                {"{0:04}/{1}/{2}", DateForm::ymd},
                                {"{0:04}.{1:02}.{2:02}", DateForm::ymd},
                                {"{0:04}-{1:02}-{2:02} {3:02}:{4:02}:{5:02}", DateForm::ymd, true},
                                {"{0:04}-{1:02}-{2:02}T{3:02}:{4:02}:{5:02}Z", DateForm::ymd, true},
                                {"{0:04}-{1:02}-{2:02}T{3:02}:{4:02}:{5:02}.000+01:00", DateForm::ymd, true},
                                {"{0:04}{1:02}{2:02}T{3:02}{4:02}{5:02}", DateForm::ymd, true},
                                {"{0:04}{1:02}{2:02}T{3:02}{4:02}{5:02}Z", DateForm::ymd, true},
                                {"{2}/{1}/{0}", DateForm::dmy},
                                {"{2:02}.{1:02}.{0}", DateForm::dmy},
                                {"{2:02}-{1:02}-{0}", DateForm::dmy},
                                {"{2} {1} {0}", DateForm::dmy},
                                {"{2:02}.{1:02}.{8:02}", DateForm::dmy},
                                {"{2:02}/{1:02}/{0} {3}:{4:02}:{5:02}", DateForm::dmy, true},
                                {"{2} {6} {0}", DateForm::dmy},
                                {"{2:02}-{7}-{8:02}", DateForm::dmy},
                                {"{2}. {6} {0}", DateForm::dmy},
                                {"{1}/{2}/{0}", DateForm::mdy},
                                {"{1:02}/{2:02}/{8:02}", DateForm::mdy},
                                {"{1}/{2}/{0} {9}:{4:02}:{5:02} {10}", DateForm::mdy, true},
                                {"{6} {2}, {0}", DateForm::mdy},
                                {"{7} {2} {0}, {3:02}:{4:02}:{5:02}", DateForm::mdy, true}};

std::string csv_of(const Pattern& pattern, char delimiter, bool quote_all) {
  std::string csv = fmt::format("id{0}when\n", delimiter);
  int id = 0;
  for (const Moment& moment : moments) {
    const std::string cell = written(moment, pattern.text);
    const bool quote = quote_all || cell.find(delimiter) != std::string::npos;
    csv += fmt::format("{0}{1}{2}{3}{2}\n", ++id, delimiter, quote ? "\"" : "", cell);
  }
  return csv;
}

template <class Check>
void in_every_file(const Pattern& pattern, const Check& check) {
  for (const char delimiter : {',', ';', '\t', '|'}) {
    for (const bool quote_all : {false, true}) {
      SCOPED_TRACE(fmt::format("{}, delimiter {}, quotes {}", pattern.text, delimiter, quote_all));
      check(csv_of(pattern, delimiter, quote_all));
    }
  }
}

double expected(const Moment& moment, const Pattern& pattern) {
  return pattern.time ? moment.days() : std::floor(moment.days());
}

TEST(DateForms, DatesAreReadAlikeInEveryForm) {
  for (const Pattern& pattern : patterns) {
    in_every_file(pattern, [&](const std::string& csv) {
      const Table table = Table::from_text(csv);
      const Column& column = table.column("when");
      ASSERT_EQ(column.kind(), ColumnKind::date);
      EXPECT_EQ(column.form().name, name_of(pattern.form));
      EXPECT_FALSE(column.form().undecided);
      EXPECT_TRUE(column.unparsed().empty());
      for (std::size_t i = 0; i < std::size(moments); ++i)
        EXPECT_EQ(column.numbers()[i], expected(moments[i], pattern)) << i;
    });
  }
}

TEST(DateForms, AnotherOrderIsNeverReadAsTheRememberedOne) {
  for (const DateForm form : {DateForm::ymd, DateForm::dmy, DateForm::mdy}) {
    const TableOptions remembered = {.as = {{"when", ColumnKind::date}}, .forms = {{"when", name_of(form)}}};
    for (const Pattern& pattern : patterns) {
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
