#pragma once

#include <sys/types.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "stop_signals.h"

namespace unroll::cli {

enum class Messages { passed_on, dropped };

/// A run of mpirun. It has its own process group, so that a terminal's Ctrl-C reaches only this process.
class Mpirun {
 public:
  /// `messages`: what happens to mpirun's standard error. Throws Error(io) if no process can be created.
  Mpirun(std::vector<std::string> arguments, Messages messages);
  Mpirun(const Mpirun&) = delete;
  Mpirun& operator=(const Mpirun&) = delete;
  ~Mpirun();

  /// Waits for mpirun and returns its exit code, 128 + signal if a signal ended it. A signal received by this process
  /// is passed on as SIGUSR1, so that the ranks have time to save. Once a rank has reported why all end, mpirun is
  /// killed after a few seconds, since it would wait for hosts that are frozen or unreachable. It is also killed after
  /// `seconds`.
  int wait(const StopSignals& signals, double seconds = std::numeric_limits<double>::infinity());
  /// True if a rank has reported why all end.
  bool failure_reported() const { return reported_at_.has_value(); }

 private:
  bool pass_on();
  void end_line();

  Messages messages_;
  pid_t process_ = -1;
  int errors_ = -1;   // mpirun's standard error
  std::string line_;  // last line, still incomplete
  std::optional<double> reported_at_;
};

}  // namespace unroll::cli
