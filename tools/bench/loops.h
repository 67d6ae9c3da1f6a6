#pragma once

#include <cstdint>

// Single-threaded loops that measure the machine's limits, on the SIMD target of the kernels.

namespace unroll::bench {

/// Runs multiply-adds on registers only. Returns the number of floating-point operations, two per multiply-add.
double multiply_adds(std::int64_t rounds);

/// Reads and writes every element, as an optimizer does. `count` is a multiple of loop_block.
void read_and_write(float* x, std::int64_t count);
/// Reads every element, as generation reads the weights. `count` is a multiple of loop_block.
void read_only(const float* x, std::int64_t count);

inline constexpr std::int64_t loop_block = 256;  // floats

}  // namespace unroll::bench
