#pragma once

#include <vector>

#include "cli/bench/measure.h"

namespace unroll::cli {

/// Benchmarks of saving a model of about ten million parameters trained with Adam. checkpoint/copy: the time that
/// training is blocked, compared with reading and writing the copied bytes once. checkpoint/write: the time of the
/// background thread, file system included.
std::vector<Benchmark> checkpoint_benchmarks();

}  // namespace unroll::cli
