#pragma once

#include <string>

#include "unroll/training_run.h"

namespace unroll::cli {

/// 500, 30s, 5m or 2h. Throws IllegalValue.
CheckpointInterval parse_checkpoint_interval(const std::string& text);

}  // namespace unroll::cli
