#pragma once

#include <vector>

#include "measure.h"

namespace unroll::bench {

/// Generation of one symbol per text with generate(), choosing the most probable one, at batch 1 and 64. Batch 1 must
/// read every weight it uses once (a single row of the input table) and is compared with the rate of reading that many
/// bytes repeatedly; batch 64 is compared with the rate of the matrix products.
std::vector<Benchmark> generation_benchmarks();

/// Time from starting the program to its first new symbol: loads the textbook's model and reads a prefix of one symbol.
std::vector<Benchmark> start_benchmarks();

}  // namespace unroll::bench
