#pragma once

#include <string>
#include <vector>

#include "cli/stop_signals.h"

namespace unroll::cli {

/// A machine, and how many ranks it takes.
struct Host {
  std::string name;
  int slots = 1;
};

/// Those of a host file: a line NAME slots=N for each, where slots=N may be missing, and # begins a comment. Throws
/// Error(no_input).
std::vector<Host> read_hosts(const std::string& file);

/// Those on which mpirun can start a process within a few seconds.
std::vector<Host> reachable(const std::vector<Host>& hosts, const StopSignals& signals);

/// As mpirun's --host takes them.
std::string list_of(const std::vector<Host>& hosts);

int slots_of(const std::vector<Host>& hosts);

}  // namespace unroll::cli
