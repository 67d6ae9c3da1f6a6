#pragma once

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
};

}  // namespace unroll
