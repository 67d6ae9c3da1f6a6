#pragma once

#include "options.h"

namespace unroll::cli {

Command launch_command();

/// Thrown if the launched processes ended with this exit code; they have already reported why.
struct LaunchedEnded {
  int exit_code = 0;
};

}  // namespace unroll::cli
