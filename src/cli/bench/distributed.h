#pragma once

#include <string>

#include "unroll/communicator.h"

namespace unroll::cli {

struct DistributedBench {
  std::string only;  ///< substring of the names to measure; empty: lstm-256 and lstm-1024
  int threads = 1;   ///< per rank
  int repeats = 3;
  bool json = false;
};

/// Measures the cost of sharing a training step among ranks: determines the constants of the cost model in
/// docs/distributed.md on these ranks, prints predicted and measured step time, and predicts the step time on other
/// numbers of machines like rank 0's with the same network. Collective; rank 0 writes the result. Throws Error if no
/// training has such a name, or if a batch has fewer windows than there are ranks.
void bench_distributed(Communicator& ranks, const DistributedBench& options);

}  // namespace unroll::cli
