#pragma once

#include <sys/types.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cli/stop_signals.h"

namespace unroll::cli {

enum class Messages { passed_on, dropped };

/// A run of mpirun, whose standard error is passed on. It is in a process group of its own: a terminal's Ctrl-C comes
/// to this process alone.
class Mpirun {
 public:
  /// Throws Error(io) where there can be no more processes.
  Mpirun(std::vector<std::string> arguments, Messages messages);
  Mpirun(const Mpirun&) = delete;
  Mpirun& operator=(const Mpirun&) = delete;
  ~Mpirun();

  /// Its exit code, that of a shell where a signal ended it, once it has ended. A signal to this process is passed on,
  /// in a form in which the ranks have the time to save. Where a rank has said why all end, mpirun has a few
  /// seconds: it would wait for hosts that are frozen or cut off.
  /// It is killed where it takes longer than so many seconds.
  int wait(const StopSignals& signals, double seconds = std::numeric_limits<double>::infinity());
  /// Whether a rank has said why all end.
  bool cause_was_said() const { return said_at_.has_value(); }

 private:
  bool pass_on();
  void end_line();

  Messages messages_;
  pid_t process_ = -1;
  int errors_ = -1;   // its standard error
  std::string line_;  // the last one, as far as it has come
  std::optional<double> said_at_;
};

}  // namespace unroll::cli
