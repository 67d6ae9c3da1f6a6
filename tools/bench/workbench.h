#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "device/device.h"
#include "unroll/tensor.h"

namespace unroll::bench {

/// Owns the memory of a benchmark of one operation.
class Workbench {
 public:
  explicit Workbench(int threads);
  Context& context() { return context_; }
  const Device& device() const { return device_of(context_); }

  /// Random numbers in [low, high).
  std::span<float> numbers(std::int64_t count, float low = -1, float high = 1);
  float* zeros(std::int64_t count);
  /// Random indices in [0, bound).
  std::span<const std::int32_t> indices(std::int64_t count, int bound);

 private:
  Context context_;
  std::deque<Tensor> tensors_;
  std::deque<std::vector<std::int32_t>> indices_;
};

inline std::shared_ptr<Workbench> workbench(int threads) { return std::make_shared<Workbench>(threads); }

}  // namespace unroll::bench
