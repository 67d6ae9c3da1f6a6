#pragma once

#include <string>
#include <vector>

namespace unroll::cli {

/// How `unroll launch` asks its ranks to stop: it writes the number of the signal that it has received to the standard
/// input of mpirun, which forwards it to rank 0, on whatever host that is. mpirun's own handling of signals is not
/// used: libraries that hwloc loads into mpirun may replace its signal handlers.

/// The arguments of mpirun by which rank 0 learns that its standard input carries such requests.
std::vector<std::string> channel_arguments();

/// Writes a request to `pipe`, mpirun's standard input. No effect if mpirun has ended.
void request_stop(int pipe, int signal);

/// The requests that this process receives.
class StopRequests {
 public:
  StopRequests();

  /// The number of the signal, SIGHUP if the launcher has ended; 0: no request yet, or this is not rank 0 of a launch.
  int received() const;

 private:
  bool connected_ = false;
};

}  // namespace unroll::cli
