#pragma once

#include <cstdint>

// The loops that show what the machine can do, on the SIMD target that the kernels run on. Single-threaded parts.

namespace unroll::cli {

/// Multiply-adds on registers alone. Returns their number of floating-point operations, two for each.
double multiply_adds(std::int64_t rounds);

/// Reads and writes every element, as an optimizer does. `count` is a multiple of loop_block.
void read_and_write(float* x, std::int64_t count);
/// Reads every element, as generation reads the weights. `count` is a multiple of loop_block.
void read_only(const float* x, std::int64_t count);

inline constexpr std::int64_t loop_block = 256;  // floats

}  // namespace unroll::cli
