#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace unroll::test {

/// Numbers for tests, the same on every machine, independent of the library's own random numbers. (SplitMix64: Steele,
/// Lea, Flood, Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.)
class RandomData {
 public:
  explicit RandomData(std::uint64_t seed) : state_(seed) {}

  /// In [-1, 1), a multiple of 2^-23: exact in float and in double.
  float next() {
    constexpr std::int64_t half = 1 << 23;
    return static_cast<float>(static_cast<std::int64_t>(bits() >> 40) - half) / static_cast<float>(half);
  }

  /// In [0, bound).
  std::int32_t below(std::int32_t bound) {
    return static_cast<std::int32_t>(bits() % static_cast<std::uint64_t>(bound));
  }

  /// `count` values in [-scale, scale), exact in float whatever Real is, so that all number types see the same problem.
  template <class Real>
  std::vector<Real> uniform(std::int64_t count, float scale = 1) {
    std::vector<Real> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(Real(next() * scale));
    return values;
  }

  std::vector<std::int32_t> ids(std::int64_t count, std::int32_t bound) {
    std::vector<std::int32_t> values;
    for (std::int64_t i = 0; i < count; ++i) values.push_back(below(bound));
    return values;
  }

 private:
  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace unroll::test
