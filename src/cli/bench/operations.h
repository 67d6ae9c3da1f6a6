#pragma once

#include <vector>

#include "cli/bench/measure.h"

namespace unroll::cli {

/// Every operation of the device, at the sizes of the textbook's model (V 1027, H 256, B 32, T 35). Loops over memory
/// are held to the rate of reading and writing, products to that of the product.
std::vector<Benchmark> operation_benchmarks();
/// The optimizers, in a cache and far beyond it, belong to them.
std::vector<Benchmark> optimizer_benchmarks();
std::vector<Benchmark> recurrent_benchmarks();

}  // namespace unroll::cli
