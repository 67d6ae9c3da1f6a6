#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace unroll {

// Detectors of implausible numbers in a column. NaN is ignored; rows are indices.

/// Numbers that lie apart from the others and fall among them when multiplied by the ratio of two units.
struct UnitMismatch {
  double ratio = 1;  ///< 43560 for acres among square feet; below 1 if the numbers are too large
  std::vector<std::int64_t> rows;
};

/// A number that stands for a missing value, such as -200 or 9999.
struct Sentinel {
  double number = 0;
  std::vector<std::int64_t> rows;
};

/// The smallest or largest number, if it occurs at least twice and looks like a mark: only nines, two at least; a
/// negative number of whole hundreds; or the only negative number. At least 10 others of at least 3 different values
/// are required, and a distance to the nearest of them that is 10 times the largest distance between neighbors in the
/// nearest quarter of their values; above them, also the distance between the smallest and the largest of them.
std::vector<Sentinel> find_sentinels(std::span<const double> numbers);

/// Finds numbers in another unit. Works on the logarithms of the positive numbers: takes those beyond the outer fences
/// (see Fences) that fall within them after multiplication by 43560, 1000 or a million, or their reciprocals. Requires
/// at least three rows and 0.1 % of the numbers, and a gap: 95 % of them differ by a factor of at least five from 99 %
/// of the others.
std::optional<UnitMismatch> find_unit_mismatch(std::span<const double> numbers);

/// Rows whose numbers are not whole years from 1700 to 2100, if at least 95 % of the column are; otherwise none.
std::vector<std::int64_t> find_implausible_years(std::span<const double> numbers);

/// Rows with more than 100 times the 99th percentile, if that is positive; and rows with negative numbers, if less than
/// 0.1 % of the numbers are negative.
std::vector<std::int64_t> find_extreme_values(std::span<const double> numbers);

}  // namespace unroll
