#pragma once

#include <cstdint>
#include <span>

namespace unroll {

/// The use of a random number. Part of the key, so that no two uses share numbers. Do not renumber: the values
/// determine the results of a seed.
enum class RandomStream : std::uint32_t {
  init = 1,
  windows = 2,
  dropout = 3,
  generation = 4,
  folds = 5,
  trees = 6,
  permutations = 7
};

/// Counter-based random numbers: a value is a pure function of (seed, purpose, stream, step, index), so it does
/// not depend on threads, batches or earlier draws. Philox 4x32-10 (Salmon, Moraes, Dror, Shaw:
/// Parallel Random Numbers: As Easy as 1, 2, 3. SC 2011).
class Random {
 public:
  /// `stream`: 24 bits that distinguish parameters or layers; `step`: for example a training step or an epoch.
  Random(std::uint64_t seed, RandomStream purpose, std::uint32_t stream = 0, std::uint32_t step = 0);

  std::uint32_t bits(std::uint64_t index) const;                        ///< 32 uniform bits
  float uniform(std::uint64_t index) const;                             ///< in [0, 1), 24 bits
  void uniforms(std::uint64_t first, std::span<float> values) const;    ///< uniform(first), uniform(first + 1), ..
  float normal(std::uint64_t index) const;                              ///< N(0, 1), Box-Muller
  std::uint32_t below(std::uint32_t bound, std::uint64_t index) const;  ///< in [0, bound); bias below 2^-32 * bound

 private:
  std::uint64_t seed_;
  std::uint32_t purpose_stream_;
  std::uint32_t step_;
};

}  // namespace unroll
