#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace unroll {

// What is strange about the numbers of a column. NaN does not count; rows are indices.

/// Some numbers that lie apart from the others and fit in among them when multiplied by the ratio of two units.
struct OtherUnit {
  double ratio = 1;  ///< 43560 where they are acres among square feet; below 1 where they are too large
  std::vector<std::int64_t> rows;
};

/// Looks at the logarithms of positive numbers: what lies beyond their outer fences (see Fences), and within them again
/// after one of the ratios 43560, 1000 and a million, up or down. At least three rows and one in a thousand; and a gap:
/// 19 in 20 of them are at least five times apart from 99 in 100 of the others.
std::optional<OtherUnit> find_other_unit(std::span<const double> numbers);

/// Rows whose numbers are no whole years from 1700 to 2100, in a column where at least 95 % are; none elsewhere.
std::vector<std::int64_t> find_absurd_years(std::span<const double> numbers);

/// Rows that hold more than 100 times the 99th percentile, where that is positive; and, where less than one number in
/// a thousand is negative, these.
std::vector<std::int64_t> find_absurd_sizes(std::span<const double> numbers);

}  // namespace unroll
