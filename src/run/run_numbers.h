#pragma once

#include <cstdint>

#include "train/checkpoint.h"
#include "unroll/trainer.h"

namespace unroll {

/// What a checkpoint says about its run, beside the state of the trainer. Numbers that it lacks are 0.
struct RunNumbers {
  double seconds = 0, loss = 0, gradient_norm = 0, learning_rate = 0;
  std::int64_t epoch = 0;  ///< the last that ended
  std::int64_t rollbacks = 0, origin = 0;
};

/// `trainer` has the state of the checkpoint. Throws Error(bad_data) that names a number out of range.
RunNumbers run_numbers_of(const StoredCheckpoint& checkpoint, const Trainer& trainer);

}  // namespace unroll
