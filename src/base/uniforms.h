#pragma once

#include <cstdint>

namespace unroll {

/// Where a run of Philox 4x32-10 blocks begins: counter (block, step, purpose and stream), key (seed). See Random.
struct PhiloxCounter {
  std::uint64_t seed;
  std::uint32_t purpose_stream, step;
  std::uint64_t first_block;
};

/// The uniform numbers of `blocks` blocks, four each, a block in each lane of a vector: out[4 * blocks].
void uniform_blocks(const PhiloxCounter& counter, std::int64_t blocks, float* out);
/// For how many blocks that pays; more than there are where there are no vectors.
std::int64_t least_uniform_blocks();

}  // namespace unroll
