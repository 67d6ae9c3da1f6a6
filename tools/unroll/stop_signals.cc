#include "stop_signals.h"

#include <unistd.h>

#include <atomic>

namespace unroll::cli {

namespace {

std::atomic<int> received_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch nothing else");

/// Only a repeated SIGINT or SIGTERM ends the process: a terminal that closes may send SIGHUP twice, itself and through
/// its shell, and a launcher of several ranks may also repeat its signal.
void remember(int signal) {
  int none = 0;
  const bool first = received_signal.compare_exchange_strong(none, signal);
  if (!first && (signal == SIGINT || signal == SIGTERM)) ::_exit(StoppedBySignal{signal}.exit_code());
}

}  // namespace

StopSignals::StopSignals() {
  received_signal = 0;
  for (std::size_t i = 0; i < signals_.size(); ++i) {
    ::sigaction(signals_[i], nullptr, &before_[i]);
    if (before_[i].sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = remember;
    action.sa_flags = SA_RESTART;
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signals_[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (std::size_t i = 0; i < signals_.size(); ++i) ::sigaction(signals_[i], &before_[i], nullptr);
}

int StopSignals::received() const { return received_signal; }

const char* signal_name(int signal) {
  switch (signal) {
    case SIGINT:
      return "Ctrl-C";
    case SIGHUP:
      return "a hang-up";
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "SIGTERM";
  }
}

}  // namespace unroll::cli
