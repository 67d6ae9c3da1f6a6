#include "stop_signals.h"

#include <unistd.h>

#include <atomic>

namespace unroll::cli {

namespace {

std::atomic<int> received_signal = 0;
std::atomic<bool> second_ends_process = true, second_received = false;
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<bool>::is_always_lock_free,
              "a signal handler may touch nothing else");

/// Records the signal. False if one was recorded before.
bool record(int signal) {
  int none = 0;
  return received_signal.compare_exchange_strong(none, signal);
}

/// Only SIGINT and SIGTERM count as the second one: a terminal that closes may send SIGHUP twice, itself and through
/// its shell, and a launcher of several ranks may also repeat its signal.
void remember(int signal) {
  if (record(signal) || (signal != SIGINT && signal != SIGTERM)) return;
  if (second_ends_process) ::_exit(StoppedBySignal{signal}.exit_code());
  second_received = true;
}

}  // namespace

StopSignals::StopSignals(Second second) {
  received_signal = 0;
  second_received = false;
  second_ends_process = second == Second::ends_process;
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

int StopSignals::received() const {
  if (received_signal != 0) return received_signal;
  if (const int request = requests_.received(); request != 0) record(request);
  return received_signal;
}

bool StopSignals::repeated() const { return second_received; }

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
