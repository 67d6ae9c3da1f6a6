#pragma once

#include <array>
#include <csignal>

#include "launch_channel.h"

namespace unroll::cli {

/// While an object exists, the first Ctrl-C (SIGINT), SIGTERM, SIGHUP or SIGUSR1 is recorded, or the first request of
/// `unroll launch`. A signal that the process was started to ignore, such as SIGHUP under nohup, stays ignored. At most
/// one object may exist at a time.
class StopSignals {
 public:
  /// What the next Ctrl-C or SIGTERM does. Ending takes place at once, with the exit code 128 + its number.
  enum class Second { ends_process, is_recorded };

  explicit StopSignals(Second second = Second::ends_process);
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;
  ~StopSignals();

  /// The number of the recorded signal; 0: none.
  int received() const;
  /// True after a second Ctrl-C or SIGTERM that is recorded.
  bool repeated() const;

 private:
  static constexpr std::array signals_ = {SIGINT, SIGTERM, SIGHUP, SIGUSR1};
  std::array<struct sigaction, signals_.size()> before_{};
  StopRequests requests_;
};

/// "Ctrl-C", "a hang-up", "SIGUSR1" or "SIGTERM".
const char* signal_name(int signal);

/// Thrown after training was stopped by a signal and this was logged.
struct StoppedBySignal {
  int signal = 0;
  constexpr int exit_code() const { return 128 + signal; }
};

}  // namespace unroll::cli
