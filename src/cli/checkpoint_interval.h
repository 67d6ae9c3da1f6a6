#pragma once

#include <cstdint>
#include <string>

#include "cli/options.h"

namespace unroll::cli {

/// How far a training goes from one checkpoint to the next: so many updates, or where that is 0, so many seconds.
struct CheckpointInterval {
  std::int64_t updates = 0;
  double seconds = 0;
  bool operator==(const CheckpointInterval&) const = default;
};

/// 500, 30s, 5m or 2h. Throws IllegalValue.
CheckpointInterval parse_checkpoint_interval(const std::string& text);

/// "500 updates", "5 min"
std::string description(const CheckpointInterval& interval);

/// Updates that are some minutes of work for a core, with one digit that is not 0. They depend on the work of an update
/// and not on a clock, so that a training that returns to a checkpoint after divergence does the same each time.
/// `operations`: floating-point operations of an update.
CheckpointInterval default_checkpoint_interval(double operations);

}  // namespace unroll::cli
