#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace unroll {

/// Rows of numbers, most of which are not there.
struct SparseRows {
  std::int64_t width = 0;                   ///< places in a row
  std::vector<std::uint64_t> begins = {0};  ///< where each row begins in what follows, and where the last one ends
  std::vector<std::uint32_t> places;        ///< of the numbers in their row, ascending
  std::vector<float> values;

  std::int64_t size() const { return static_cast<std::int64_t>(begins.size()) - 1; }
  /// The number at `place` of a row, which is there.
  float& value(std::size_t row, std::uint32_t place) {
    const auto begin = places.begin() + static_cast<std::ptrdiff_t>(begins[row]);
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(begins[row + 1]);
    return values[static_cast<std::size_t>(std::lower_bound(begin, end, place) - places.begin())];
  }
};

}  // namespace unroll
