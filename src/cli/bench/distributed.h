#pragma once

#include <string>

#include "train/communicator.h"

namespace unroll::cli {

struct DistributedBench {
  std::string only;  ///< a part of the names of the trainings to measure
  int threads = 1;   ///< of each rank
  int repeats = 3;
  bool json = false;
};

/// What it costs to share a training step among ranks: measures the constants of docs/distributed.md's model of cost on
/// these ranks, holds what it foretells for them to what a step takes, and foretells the step on other numbers of
/// machines like rank 0's, linked as these are. All ranks call it; rank 0 writes the result. Throws Error where no
/// training has such a name, or has fewer windows in a batch than there are ranks.
void bench_distributed(Communicator& ranks, const DistributedBench& options);

}  // namespace unroll::cli
