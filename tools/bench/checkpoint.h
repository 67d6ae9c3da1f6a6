#pragma once

#include <vector>

#include "measure.h"

namespace unroll::bench {

/// Benchmarks of saving a model of about ten million parameters trained with Adam. checkpoint/copy: the time that
/// training is blocked, compared with reading and writing the copied bytes once. checkpoint/write: the time of the
/// background thread, file system included.
std::vector<Benchmark> checkpoint_benchmarks();

}  // namespace unroll::bench
