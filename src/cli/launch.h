#pragma once

#include "cli/options.h"

namespace unroll::cli {

Command launch_command();

/// Thrown where the processes that were launched have said why they end with this exit code.
struct LaunchedEnded {
  int exit_code = 0;
};

}  // namespace unroll::cli
