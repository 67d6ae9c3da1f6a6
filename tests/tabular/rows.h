#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

#include "unroll/table.h"

namespace unroll {

/// The rows begin, begin + 1, .., begin + count - 1.
inline std::vector<std::int64_t> rows_from(std::int64_t begin, std::int64_t count) {
  std::vector<std::int64_t> rows(static_cast<std::size_t>(count));
  std::iota(rows.begin(), rows.end(), begin);
  return rows;
}

inline std::vector<std::int64_t> all_rows(const Table& table) { return rows_from(0, table.rows()); }

}  // namespace unroll
