#pragma once

#include <string>
#include <vector>

#include "stop_signals.h"

namespace unroll::cli {

/// A machine and the number of ranks it takes.
struct Host {
  std::string name;
  int slots = 1;
};

/// Reads a host file: one line NAME slots=N per host; slots=N is optional, # starts a comment. Throws Error: no_input
/// if it cannot be opened, bad_data if a line has another form or there is no host.
std::vector<Host> read_hosts(const std::string& file);

/// The hosts on which mpirun can start a process within a few seconds.
std::vector<Host> reachable(const std::vector<Host>& hosts, const StopSignals& signals);

/// The hosts in the format of mpirun's --host.
std::string list_of(const std::vector<Host>& hosts);

int slots_of(const std::vector<Host>& hosts);

}  // namespace unroll::cli
