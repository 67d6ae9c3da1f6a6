#pragma once

#include <functional>
#include <optional>
#include <string>

#include "unroll/communicator.h"

namespace unroll::bench {

struct BenchOptions {
  std::string only = {};            ///< substring of the names to measure; empty: all
  std::optional<int> threads = {};  ///< default: as many as this process or rank may use
  int repeats = 3;                  ///< measured rounds, after one warm-up round
  bool json = false;
};

/// Receives the result, part by part.
using Write = std::function<void(const std::string&)>;

// Each throws Error if nothing that is measured has a name that contains `only`.

/// Name and size of each benchmark.
void list_benchmarks(const BenchOptions& options, const Write& write);

/// Measures the machine's limits and the benchmarks.
void run_benchmarks(const BenchOptions& options, const Write& write);

/// Measures the cost of sharing a training step among ranks, of lstm-256 and lstm-1024 if `only` is empty: determines
/// the constants of the cost model in docs/distributed.md on these ranks, predicts and measures the step time, and
/// predicts it on other numbers of machines like rank 0's with the same network. Collective: all ranks call write().
/// Throws Error if a batch has fewer windows than there are ranks.
void run_distributed_benchmarks(Communicator& ranks, const BenchOptions& options, const Write& write);

}  // namespace unroll::bench
