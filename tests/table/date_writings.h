#pragma once

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <string>

#include "table/date_form.h"

namespace unroll {

struct Moment {
  int year, month, day, hour, minute, second;

  double days() const {
    const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day)));
    return static_cast<double>(std::chrono::sys_days(date).time_since_epoch().count()) +
           ((60 * hour + minute) * 60 + second) / 86400.0;
  }
};

constexpr Moment written_moments[] = {{2017, 1, 2, 0, 5, 0},    {1999, 12, 31, 23, 59, 59}, {2020, 2, 29, 12, 0, 0},
                                      {2024, 7, 13, 6, 30, 15}, {1970, 1, 1, 0, 0, 0},      {2023, 11, 25, 17, 45, 1}};

constexpr const char* month_names[] = {"January", "February", "March",     "April",   "May",      "June",
                                       "July",    "August",   "September", "October", "November", "December"};

/// A pattern of fmt over year, month, day, hour, minute, second, name of the month, its first three letters, year of
/// two digits, hour of a clock of 12 hours, am or pm.
inline std::string written_date(const Moment& m, const char* pattern) {
  const std::string month = month_names[m.month - 1];
  return fmt::format(fmt::runtime(pattern), m.year, m.month, m.day, m.hour, m.minute, m.second, month,
                     month.substr(0, 3), m.year % 100, (m.hour + 11) % 12 + 1, m.hour < 12 ? "AM" : "PM");
}

struct DatePattern {
  const char* text;
  DateForm form;
  bool time = false;
};

constexpr DatePattern date_patterns[] = {{"{0:04}-{1:02}-{2:02}", DateForm::ymd},
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

inline double days_of(const Moment& moment, const DatePattern& pattern) {
  return pattern.time ? moment.days() : std::floor(moment.days());
}

}  // namespace unroll
