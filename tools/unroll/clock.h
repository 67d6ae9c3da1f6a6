#pragma once

#include <chrono>

namespace unroll::cli {

/// Seconds on a clock that only moves forward.
inline double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace unroll::cli
