#pragma once

#include <optional>
#include <span>

#include "unroll/trainer.h"

namespace unroll {

/// A rank that the others wait for.
struct Straggler {
  std::size_t rank = 0;
  double times = 1;    ///< as long as the others, the median of them, it takes for a symbol
  double waiting = 0;  ///< share of their time that the others wait, on average
};

/// The rank that takes longest for a symbol, where it takes at least 1.25 times as long as the others and they wait for
/// at least a fifth of their time. None of a single rank.
std::optional<Straggler> straggler_of(std::span<const Pace> paces);

}  // namespace unroll
