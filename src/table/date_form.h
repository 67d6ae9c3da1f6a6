#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "table/number_survey.h"
#include "table/raw_cells.h"
#include "unroll/options.h"

namespace unroll {

/// How the dates of a column are written.
enum class DateForm {
  ymd,          ///< 2020-01-31, 20200131, 2020 Jan 31
  dmy,          ///< 31/1/2020, 31.01.20, 31 January 2020
  mdy,          ///< 1/31/2020, Jan 31, 2020
  unix_seconds  ///< seconds since 1970-01-01 00:00
};
template <>
const EnumNames<DateForm>& enum_names<DateForm>();

/// A cell of a date, taken apart without deciding which part is the day.
struct DateCell {
  /// A number of one to four digits, or the name of a month.
  struct Part {
    int number = 0;
    int digits = 0;  ///< 0: a name
  };
  std::array<Part, 3> parts = {};
  char separator = 0;      ///< / . - or space; 0: none, as in 20200131
  double part_of_day = 0;  ///< the time of day; 0 if there is none
};

/// nullopt if the cell cannot be a date in any order. `cell` has no spaces around it. A time of day may follow the
/// date: 23:59, 23:59:59.5, 11:59 pm; T235959 too. A zone after it is ignored: all times are as they are written.
std::optional<DateCell> take_date_apart(std::string_view cell);

/// Days since 1970-01-01; nullopt if there is no such date in this order. Years of two digits are 1969 to 2068.
std::optional<double> days_in_order(const DateCell& cell, DateForm order);

/// nullopt if the cell is no date in this form.
std::optional<double> read_date(std::string_view cell, DateForm form);

/// What all cells of a column say of the form of its dates.
struct DateSurvey {
  std::int64_t filled = 0;
  std::array<std::int64_t, 3> readable = {};      ///< by ymd, dmy and mdy
  std::array<std::array<CellCount, 3>, 3> only;   ///< [a][b]: readable by a and not by b
  CellCount not_dates;                            ///< by none of them
  std::array<std::int64_t, 256> separators = {};  ///< of dates
  CellCount first;                                ///< dates
  /// The numbers below 100 with which dates begin and end.
  std::array<std::bitset<100>, 2> ends = {};
};

DateSurvey survey_dates(const RawCells& cells, std::int64_t max_not_dates);

struct DateChoice {
  DateForm form = DateForm::ymd;
  bool undecided = false;          ///< all cells can be read in another order too
  DateForm other = DateForm::ymd;  ///< that order; else the one that reads the most besides
};
/// The order that reads the most cells. Among equals the one of the file's other columns, if there is one, else the
/// year first if the dates begin with at most half as many numbers as they end with, as in 20-01-30, 20-01-31; else
/// month before day beside slashes and day before month beside other separators.
DateChoice choose_order(const DateSurvey& survey, std::optional<DateForm> of_file);

/// True for at least two cells that are all dates such as 20200131, of the years 1900 to 2100.
bool are_basic_dates(const RawCells& cells);

}  // namespace unroll
