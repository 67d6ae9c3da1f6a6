#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace unroll {

/// A sparse matrix in compressed row form (CSR).
struct SparseRows {
  std::int64_t width = 0;                   ///< number of columns
  std::vector<std::uint64_t> begins = {0};  ///< offset of each row in places and values, then their size
  std::vector<std::uint32_t> places;        ///< column indices, ascending within a row
  std::vector<float> values;

  std::int64_t size() const { return static_cast<std::int64_t>(begins.size()) - 1; }
  /// The element at `place` of a row; it must be present.
  float& value(std::size_t row, std::uint32_t place) {
    const auto begin = places.begin() + static_cast<std::ptrdiff_t>(begins[row]);
    const auto end = places.begin() + static_cast<std::ptrdiff_t>(begins[row + 1]);
    return values[static_cast<std::size_t>(std::lower_bound(begin, end, place) - places.begin())];
  }
};

}  // namespace unroll
