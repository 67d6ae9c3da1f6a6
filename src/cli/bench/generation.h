#pragma once

#include <vector>

#include "cli/bench/measure.h"

namespace unroll::cli {

/// One symbol at batch 1 through generate(), the most probable one chosen each time. It cannot do without reading every
/// weight that it uses once: all but the look-up table, of which it is one row. Held to the rate of reading that many
/// bytes again and again.
std::vector<Benchmark> generation_benchmarks();

/// From calling the program to its first new symbol: load the textbook's model, read a prefix of one symbol, choose.
std::vector<Benchmark> start_benchmarks();

}  // namespace unroll::cli
