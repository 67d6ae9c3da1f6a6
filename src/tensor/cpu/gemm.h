#pragma once

#include <cstdint>

#include "tensor/device.h"

// The products, as single-threaded parts that the device hands to its threads. Where B serves several products the
// caller packs it. What else has to be packed each part packs into the cache just before it uses it.

namespace unroll::cpu {

std::int64_t panel_count(std::int64_t columns);
std::size_t packed_b_size(std::int64_t depth, std::int64_t columns);
void pack_b(const ConstMatrix& b, float* packed, std::int64_t panel_begin, std::int64_t panel_end);

/// C = start + A B.
struct Product {
  ConstMatrix a;
  const float* packed_b = nullptr;  // [depth, columns of C]
  ConstMatrix b;                    // where packed_b is null
  Matrix c;
  Start start;
  float* column_sums = nullptr;  // += the rows of b, in order; only where packed_b is null
};

/// A part is a panel of B for a block of rows; they are numbered block by block.
std::int64_t part_count(const Product& product);
void multiply(const Product& product, std::int64_t part_begin, std::int64_t part_end);

}  // namespace unroll::cpu
