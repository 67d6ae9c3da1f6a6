#pragma once

#include <cstdint>

#include "tensor/device.h"

// The products, as single-threaded parts that the device hands to its threads. Where B serves several products the
// caller packs it; else each part packs what it needs of it, one block of k after the other.

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
  std::int64_t row_splits = 1;   // into how many ranges the rows of C are divided
};

/// How many ranges of rows keep so many threads about equally busy.
std::int64_t row_splits(const Product& product, std::int64_t threads);
/// A part is a panel of B for one range of rows; they are numbered range by range.
std::int64_t part_count(const Product& product);
/// Floats that a call of multiply() needs to pack into; 0 where it packs nothing.
std::size_t room_size(const Product& product);
void multiply(const Product& product, std::int64_t part_begin, std::int64_t part_end, float* room = nullptr);

}  // namespace unroll::cpu
