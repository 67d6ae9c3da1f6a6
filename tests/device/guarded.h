#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <span>
#include <vector>

namespace unroll::test {

/// A float array at a misaligned address with guard zones on both sides; expect_intact() detects writes to them.
class Guarded {
 public:
  Guarded(std::int64_t size, std::int64_t misalignment, float value = 0)
      : size_(size),
        first_(zone + misalignment),
        memory_(static_cast<std::size_t>(size + misalignment + 2 * zone), mark) {
    for (std::int64_t i = 0; i < size; ++i) data()[i] = value;
  }
  float* data() { return memory_.data() + first_; }
  std::span<float> span() { return {data(), static_cast<std::size_t>(size_)}; }
  float& operator[](std::int64_t i) { return data()[i]; }
  std::int64_t size() const { return size_; }

  void expect_intact() const {
    const auto end = static_cast<std::size_t>(first_ + size_);
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      const bool inside = i >= static_cast<std::size_t>(first_) && i < end;
      ASSERT_TRUE(inside || memory_[i] == mark) << "written outside, at " << i;
    }
  }

 private:
  static constexpr std::int64_t zone = 64;
  static constexpr float mark = -12345.75f;
  std::int64_t size_, first_;
  std::vector<float> memory_;
};

/// Reproducible values in [-1, 1).
class Values {
 public:
  explicit Values(std::uint32_t seed) : state_(seed * 2654435761u + 1) {}
  float next() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>(static_cast<std::int32_t>(state_ >> 32)) * 0x1p-31f;
  }
  void fill(std::span<float> values, float scale = 1) {
    for (float& value : values) value = scale * next();
  }

 private:
  std::uint64_t state_;
};

}  // namespace unroll::test
