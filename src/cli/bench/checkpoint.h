#pragma once

#include <vector>

#include "cli/bench/measure.h"

namespace unroll::cli {

/// Of a model with about ten million parameters, trained with Adam: checkpoint/copy is how long training waits, which
/// is held to reading all that is copied and writing it once; checkpoint/write is what a thread does meanwhile, file
/// system included.
std::vector<Benchmark> checkpoint_benchmarks();

}  // namespace unroll::cli
