#pragma once

#include <cstddef>
#include <vector>

namespace unroll::cli {

// Round numbers at which an axis from low to high, low < high, has its marks.

/// In equal steps, about as many as wanted.
std::vector<double> even_ticks(double low, double high, std::size_t wanted);

/// For a logarithmic axis, low > 0: at least five where powers of ten and a few between them give as many, else in
/// equal steps.
std::vector<double> logarithmic_ticks(double low, double high);

}  // namespace unroll::cli
