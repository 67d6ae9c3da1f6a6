#include "io/serial_date.h"

#include <gtest/gtest.h>

namespace unroll {
namespace {

std::string date(double days, bool from_1904 = false, bool with_time = false) {
  const auto milliseconds = milliseconds_of_serial(days, from_1904);
  return milliseconds ? iso_text(*milliseconds, with_time) : "none";
}

TEST(SerialDate, CountsFrom1900WithALeapDayThatWasNone) {
  EXPECT_EQ(date(1), "1900-01-01");
  EXPECT_EQ(date(59), "1900-02-28");
  EXPECT_EQ(date(60), "none");
  EXPECT_EQ(date(61), "1900-03-01");
  EXPECT_EQ(date(25569), "1970-01-01");
  EXPECT_EQ(date(43831), "2020-01-01");
  EXPECT_EQ(date(2958465), "9999-12-31");
  for (const double outside : {-1.0, 2958466.0, 1e300}) EXPECT_EQ(date(outside), "none") << outside;
}

TEST(SerialDate, CountsFrom1904) {
  EXPECT_EQ(date(0, true), "1904-01-01");
  EXPECT_EQ(date(42369, true), "2020-01-01");
  EXPECT_EQ(date(2957003, true), "9999-12-31");
  EXPECT_EQ(date(2957004, true), "none");
}

TEST(SerialDate, HasATimeOfDay) {
  EXPECT_EQ(date(43831.5, false, true), "2020-01-01 12:00:00");
  EXPECT_EQ(date(43831.520833333336, false, true), "2020-01-01 12:30:00");
  EXPECT_EQ(date(43831.99999999999, false, true), "2020-01-02 00:00:00");
  EXPECT_EQ(date(43831 + 0.25 / 86400, false, true), "2020-01-01 00:00:00.250");
  EXPECT_EQ(date(1.5, false, true), "1900-01-01 12:00:00");  // before 1970
  EXPECT_FALSE(has_time_of_day(*milliseconds_of_serial(43831, false)));
  EXPECT_TRUE(has_time_of_day(*milliseconds_of_serial(43831.25, false)));
}

TEST(SerialDate, ReadsIso) {
  const auto iso = [](const char* text) {
    const auto milliseconds = milliseconds_of_iso(text);
    return milliseconds ? iso_text(*milliseconds, true) : "none";
  };
  EXPECT_EQ(iso("2020-02-29"), "2020-02-29 00:00:00");
  EXPECT_EQ(iso("2020-01-31T23:59:58.250Z"), "2020-01-31 23:59:58.250");
  for (const char* text : {"2021-02-29", "2020-01-31T", "2020-01-31T24:00:00", "31.01.2020", "2020-1-31", ""})
    EXPECT_EQ(iso(text), "none") << text;
}

TEST(SerialDate, ClockHasHoursBeyondADay) {
  EXPECT_EQ(clock_text(0), "00:00:00");
  EXPECT_EQ(clock_text(0.75), "18:00:00");
  EXPECT_EQ(clock_text(1.0625), "25:30:00");
  EXPECT_EQ(clock_text(-0.1), std::nullopt);
  EXPECT_EQ(clock_text(1e5), std::nullopt);
}

TEST(NumberMeaning, OfFormatsWithANumber) {
  for (const int id : {14, 17, 22, 27, 31, 36, 50, 58}) EXPECT_EQ(meaning_of_format(id), NumberMeaning::date) << id;
  for (const int id : {18, 21, 32, 35, 45, 46, 47}) EXPECT_EQ(meaning_of_format(id), NumberMeaning::time) << id;
  for (const int id : {9, 10}) EXPECT_EQ(meaning_of_format(id), NumberMeaning::percentage) << id;
  for (const int id : {-1, 0, 1, 4, 8, 11, 13, 23, 26, 37, 44, 48, 49, 59, 164})
    EXPECT_EQ(meaning_of_format(id), NumberMeaning::number) << id;
}

TEST(NumberMeaning, OfFormatsByTheirCode) {
  for (const char* code : {"dd/mm/yyyy", "YYYY\\-MM\\-DD", "[$-407]d. mmm yy", "mmm", "yyyy-mm-dd hh:mm",
                           "m/d/yy h:mm AM/PM", "yyyy\"年\"m\"月\"", "d", "[Red]d/m"})
    EXPECT_EQ(meaning_of_format(code), NumberMeaning::date) << code;
  for (const char* code : {"hh:mm", "h:mm AM/PM", "[h]:mm:ss", "[mm]", "mm:ss.0", "[ss]"})
    EXPECT_EQ(meaning_of_format(code), NumberMeaning::time) << code;
  for (const char* code : {"0%", "0.00 %", "[Magenta]0.0%;[Red]-0.0%"})
    EXPECT_EQ(meaning_of_format(code), NumberMeaning::percentage) << code;
  for (const char* code : {"General", "0.00", "#,##0 \"days\"", "0 \\d", "[Red]0", "[Magenta]0", "_d0", "*y0",
                           "0.00E+00", "# ?/?", "@", "", "\"dd", "0;\"d\";d", "[$USD] 0", "\\"})
    EXPECT_EQ(meaning_of_format(code), NumberMeaning::number) << code;
}

}  // namespace
}  // namespace unroll
