#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unroll::cli {

/// A machine and the number of ranks it takes.
struct Host {
  std::string name;
  int slots = 1;
};

/// Reads a host file: one line NAME slots=N per host; slots=N is optional, # starts a comment. Throws Error: no_input
/// if it cannot be opened, bad_data if a line has another form or there is no host.
std::vector<Host> read_hosts(const std::string& file);

/// The hosts in the format of mpirun's --host.
std::string list_of(const std::vector<Host>& hosts);

std::int64_t slots_of(const std::vector<Host>& hosts);

}  // namespace unroll::cli
