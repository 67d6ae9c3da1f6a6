#pragma once

#include <vector>

#include "measure.h"

namespace unroll::bench {

/// Every operation of the device, at the sizes of the textbook's model (V 1027, H 256, B 32, T 35). Loops over memory
/// are compared with the rate of reading and writing, products with that of the matrix product.
std::vector<Benchmark> operation_benchmarks();
/// The part of operation_benchmarks() for optimizers, with parameters that fit into a cache and that do not.
std::vector<Benchmark> optimizer_benchmarks();
/// The part of operation_benchmarks() for recurrent layers.
std::vector<Benchmark> recurrent_benchmarks();

}  // namespace unroll::bench
