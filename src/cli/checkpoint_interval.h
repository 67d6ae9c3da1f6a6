#pragma once

#include <cstdint>
#include <string>

#include "cli/options.h"

namespace unroll::cli {

/// Interval between checkpoints: a number of updates or, if that is 0, of seconds.
struct CheckpointInterval {
  std::int64_t updates = 0;
  double seconds = 0;
  bool operator==(const CheckpointInterval&) const = default;
};

/// Parses 500, 30s, 5m or 2h. Throws IllegalValue.
CheckpointInterval parse_checkpoint_interval(const std::string& text);

/// "500 updates", "5 min"
std::string description(const CheckpointInterval& interval);

/// A number of updates that takes a core a few minutes, rounded to one significant digit. It depends on the work of an
/// update and not on a clock, so that a training that rolls back after divergence is reproducible.
/// `operations`: floating-point operations per update.
CheckpointInterval default_checkpoint_interval(double operations);

}  // namespace unroll::cli
