#pragma once

#include <cstddef>
#include <vector>

namespace unroll::cli {

// Round numbers for the ticks of an axis from low to high, low < high.

/// Evenly spaced ticks, about `wanted` of them.
std::vector<double> even_ticks(double low, double high, std::size_t wanted);

/// Ticks of a logarithmic axis, low > 0: powers of ten and a few numbers between them if these are at least five, else
/// evenly spaced ones.
std::vector<double> logarithmic_ticks(double low, double high);

}  // namespace unroll::cli
