#pragma once

#include <string>
#include <vector>

#include "unroll/options.h"

namespace unroll::cli {

struct LaunchOptions {
  int ranks = 2;
  std::string hosts = {};  ///< host file; empty: this host only
  int max_restarts = 0;
  std::vector<std::string> arguments = {};  ///< command that the ranks run, with its arguments
};
std::vector<OptionGroup> describe(LaunchOptions& options);

}  // namespace unroll::cli
