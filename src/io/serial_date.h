#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace unroll {

/// What a number of a spreadsheet stands for, by the format in which it is shown.
enum class NumberMeaning {
  number,
  percentage,  ///< 0.1 is shown as 10 %
  date,        ///< days since the epoch of the workbook, the time of day as a fraction
  time,        ///< of a day, or a duration, in days
};

/// Of a format with a number of its own in ISO/IEC 29500-1, 18.8.30, those of East Asia included.
NumberMeaning meaning_of_format(int id);
/// Of a format such as dd/mm/yyyy or 0.00 %, by the first of its sections.
NumberMeaning meaning_of_format(std::string_view code);

/// Milliseconds since 1970-01-01 of a date. The days of the 1900 system have a 1900-02-29, which is no date; the 1904
/// system begins with 0 on 1904-01-01. nullopt outside the years 1900 to 9999.
std::optional<std::int64_t> milliseconds_of_serial(double days, bool from_1904);
/// The same from 2020-01-31 or 2020-01-31T23:59:59.5; a zone is ignored.
std::optional<std::int64_t> milliseconds_of_iso(std::string_view text);

bool has_time_of_day(std::int64_t milliseconds);
/// 2020-01-31, or with the time 2020-01-31 23:59:59 (.500 if the milliseconds are not 0).
std::string iso_text(std::int64_t milliseconds, bool with_time);
/// 23:59:59 of a fraction of a day; durations may have more than 23 hours. nullopt below 0 and beyond 9999 days.
std::optional<std::string> clock_text(double days);

}  // namespace unroll
