#pragma once

#include <vector>

#include "cli/bench/measure.h"

namespace unroll::cli {

/// Training steps and generation over 2,000 symbols in which the state loses a tenth with every symbol, and so leaves
/// the range of normal numbers after some 830, beside the same with a state that stays.
std::vector<Benchmark> denormal_benchmarks();

}  // namespace unroll::cli
