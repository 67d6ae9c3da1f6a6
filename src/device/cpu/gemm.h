#pragma once

#include <cstdint>

#include "device/device.h"

// Matrix products, divided into single-threaded parts that the device distributes over its threads. If several products
// share B, the caller packs it; otherwise each part packs the panels it needs, one block of k at a time.

namespace unroll::cpu {

std::int64_t panel_count(std::int64_t columns);
std::size_t packed_b_size(std::int64_t depth, std::int64_t columns);
void pack_b(const ConstMatrix& b, float* packed, std::int64_t panel_begin, std::int64_t panel_end);

/// C = start + A B.
struct Product {
  ConstMatrix a;
  const float* packed_b = nullptr;  // [depth, columns of C]
  ConstMatrix b;                    // used if packed_b is null
  Matrix c;
  Accumulate start;
  float* column_sums = nullptr;  // += the rows of b, in order; only if packed_b is null
  std::int64_t row_splits = 1;   // number of ranges of rows of C
};

/// Number of row ranges that keeps `threads` threads about equally busy.
std::int64_t row_splits(const Product& product, std::int64_t threads);
/// Number of parts. A part is a panel of B for one range of rows; parts are numbered range by range.
std::int64_t part_count(const Product& product);
/// Number of floats that a call of multiply() needs in `workspace` for packing; 0 if it packs nothing.
std::size_t workspace_size(const Product& product);
void multiply(const Product& product, std::int64_t part_begin, std::int64_t part_end, float* workspace = nullptr);

}  // namespace unroll::cpu
