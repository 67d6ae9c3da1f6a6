#pragma once

#include <cstdint>

namespace unroll {

/// First of a sequence of Philox 4x32-10 blocks: counter (block, step, purpose and stream) and key (seed). See Random.
struct PhiloxCounter {
  std::uint64_t seed;
  std::uint32_t purpose_stream, step;
  std::uint64_t first_block;
};

/// Writes the uniform numbers of `blocks` blocks, four each, to out[4 * blocks]; one block per SIMD lane.
void uniform_blocks(const PhiloxCounter& counter, std::int64_t blocks, float* out);
/// Minimum number of blocks for which uniform_blocks() is worth calling; the maximum of std::int64_t without SIMD.
std::int64_t min_uniform_blocks();

}  // namespace unroll
