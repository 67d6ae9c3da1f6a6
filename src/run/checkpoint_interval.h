#pragma once

#include <optional>
#include <string>

#include "unroll/options.h"
#include "unroll/training_run.h"

namespace unroll {

/// A number of updates that takes a core a few minutes, rounded to one significant digit. It depends on the work of an
/// update and not on a clock, so that a training that rolls back after divergence is reproducible.
/// `operations`: floating-point operations per update.
CheckpointInterval default_checkpoint_interval(double operations);

/// The option "checkpoint-every": 500 (updates), 30s, 5m or 2h.
Option checkpoint_every_option(std::optional<CheckpointInterval>& field);

}  // namespace unroll
