#pragma once

#include <vector>

#include "measure.h"

namespace unroll::bench {

/// Reading a generated CSV file into a table: with commas and decimal points, and with semicolons, decimal commas and
/// days first, as spreadsheets in much of Europe write it.
std::vector<Benchmark> table_benchmarks();

}  // namespace unroll::bench
