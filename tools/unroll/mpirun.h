#pragma once

#include <sys/types.h>

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "stop_signals.h"

namespace unroll::cli {

enum class Messages { passed_on, dropped };

/// What the first signal to this process does.
enum class OnStop {
  request,  ///< the ranks are asked to save and stop
  kill      ///< all processes are killed, because there is nothing to save
};

/// A run of mpirun. It has its own process group, so that a terminal's Ctrl-C reaches only this process.
class Mpirun {
 public:
  /// `messages`: what happens to mpirun's standard error. Throws Error(io) if no process can be created.
  Mpirun(std::vector<std::string> arguments, Messages messages);
  Mpirun(const Mpirun&) = delete;
  Mpirun& operator=(const Mpirun&) = delete;
  ~Mpirun();

  /// Waits for mpirun and then for the ranks on this host, which are killed if they outlive mpirun by some seconds.
  /// Returns mpirun's exit code, 128 + signal if a signal ended it. mpirun is killed
  /// - after a second signal, or after the first if `on_stop` says so;
  /// - some seconds after a request to stop that cannot arrive, because no rank has started;
  /// - some seconds after a rank has reported why all end: mpirun would wait for hosts that are frozen or unreachable;
  /// - some seconds after the end of its last child, if it goes on waiting;
  /// - after `seconds`.
  int wait(const StopSignals& signals, OnStop on_stop, double seconds = std::numeric_limits<double>::infinity());
  /// True if a rank has reported why all end.
  bool failure_reported() const { return reported_at_.has_value(); }

 private:
  bool pass_on();
  void end_line();
  void look_at_children();
  bool must_be_killed(const StopSignals& signals, OnStop on_stop) const;

  Messages messages_;
  pid_t process_ = -1;
  int requests_ = -1;         // mpirun's standard input
  int errors_ = -1;           // mpirun's standard error
  std::string line_;          // last line, still incomplete
  bool has_started_ = false;  // a rank, or mpirun, has written a line
  bool had_children_ = false;
  double looked_at_ = 0;
  std::optional<double> requested_at_, reported_at_, childless_since_;
};

}  // namespace unroll::cli
