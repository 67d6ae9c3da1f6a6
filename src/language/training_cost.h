#pragma once

#include <cstdint>

#include "unroll/language_run.h"

namespace unroll {

/// Model and batch size, which determine the cost of training or scoring.
struct Workload {
  LanguageModelOptions model;
  std::int64_t vocabulary = 0;
  std::int64_t batch = 1;  ///< B
  std::int64_t steps = 1;  ///< T
};

/// Elements of all parameters.
std::int64_t parameter_count(const Workload& workload);

/// Multiply-adds, counted twice, of one forward pass over T steps of B sequences.
double forward_operations(const Workload& workload);

/// Number of threads for parallel regions of `operations` floating-point operations: as many as this process may use,
/// but no more than have enough work each to outweigh waking them.
int worthwhile_threads(double operations);

/// Division of a batch.
struct Sharing {
  int shards = 1;
  int ranks = 1;
};
/// Memory per rank. `moments`: number of values that the optimizer keeps per parameter.
MemoryPlan memory_plan(const Workload& workload, int moments, bool validates, std::int64_t symbols,
                       const Sharing& sharing);

/// Default number of epochs for a text of `symbols` symbols: enough to read about 1.5 million symbols, at least 3 and
/// at most 150.
std::int64_t default_epochs(std::int64_t symbols);

}  // namespace unroll
