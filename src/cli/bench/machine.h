#pragma once

#include <hwy/aligned_allocator.h>

#include <cstdint>
#include <vector>

#include "cli/bench/measure.h"
#include "unroll/context.h"
#include "unroll/tensor.h"

namespace unroll::cli {

/// The machine's limits with a number of threads. The loops behind them are in loops.h; the product is our own.
class Machine {
 public:
  explicit Machine(int threads);
  int threads() const { return context_.threads(); }

  /// Measures anew what `need` is held to. The memory rates are those of a buffer as large as the footprint, gone
  /// through once before the clock starts: what fits into a cache is held to the rate of that cache.
  Limits limits_for(const Need& need);
  double fma_rate();

 private:
  double gemm_rate();
  double memory_rate(double footprint, bool write);

  Context context_;
  Tensor left_, right_, product_;              // of the largest yardstick product
  hwy::AlignedFreeUniquePtr<float[]> buffer_;  // what memory rates are measured on
  std::int64_t buffer_size_ = 0;
};

/// The limits themselves as benchmarks; the share of a product is that of the multiply-adds.
std::vector<Benchmark> limit_benchmarks(int threads);

}  // namespace unroll::cli
