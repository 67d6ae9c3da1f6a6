#pragma once

#include <optional>
#include <span>

#include "unroll/trainer.h"

namespace unroll {

/// A slow rank that the others wait for.
struct Straggler {
  std::size_t rank = 0;
  double times = 1;    ///< its time per symbol, relative to the median of the others
  double waiting = 0;  ///< fraction of their time that the others wait, on average
};

/// The rank with the longest time per symbol, if that is at least 1.25 times the median of the others and they wait for
/// at least a fifth of their time. Empty for a single rank, and until every rank has trained on a symbol.
std::optional<Straggler> straggler_of(std::span<const RankTiming> paces);

}  // namespace unroll
