#pragma once

#include <hwy/aligned_allocator.h>

#include <cstdint>
#include <vector>

#include "measure.h"
#include "unroll/context.h"
#include "unroll/tensor.h"

namespace unroll::bench {

/// Measures the machine's limits with a number of threads, with the loops of loops.h and this library's matrix product.
class Machine {
 public:
  explicit Machine(int threads);
  int threads() const { return context_.threads(); }

  /// Measures the rates that `need` is compared with. The memory rates are those of a buffer of the footprint's size,
  /// traversed once before timing: data that fit into a cache are compared with the rate of that cache.
  Limits limits_for(const MinimalWork& need);
  double fma_rate();

 private:
  double gemm_rate();
  double memory_rate(double footprint, bool write);

  Context context_;
  Tensor left_, right_, product_;              // of the largest reference product
  hwy::AlignedFreeUniquePtr<float[]> buffer_;  // for measuring memory rates
  std::int64_t buffer_size_ = 0;
};

/// The limits themselves as benchmarks. The share of a matrix product is relative to the multiply-add limit.
std::vector<Benchmark> limit_benchmarks(int threads);

}  // namespace unroll::bench
