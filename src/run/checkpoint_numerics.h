#pragma once

#include "train/checkpoint.h"

namespace unroll {

/// Throws Error(bad_data) for a checkpoint that a program of other numerics has written: see base/numerics.h.
void require_same_numerics(const StoredCheckpoint& checkpoint);

}  // namespace unroll
