#pragma once

#include <vector>

#include "measure.h"

namespace unroll::bench {

/// Training and generation over 2,000 symbols with a state that is multiplied by 0.9 at each symbol and so becomes
/// denormal after about 830 symbols, compared with the same work with a constant state.
std::vector<Benchmark> denormal_benchmarks();

}  // namespace unroll::bench
