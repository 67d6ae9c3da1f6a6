#include "curve_file.h"

#include <fmt/format.h>
#include <signal.h>

#include <system_error>

#include "gnuplot.h"
#include "unroll/atomic_file.h"
#include "unroll/error.h"

namespace unroll::cli {

void CurveFile::finish(const NamedRun& run) {
  start(run);
  wait();
}

void CurveFile::wait() {
  if (thread_.joinable()) thread_.join();
}

void CurveFile::start(const NamedRun& run) {
  wait();
  began_ = monotonic_seconds();
  std::string script = curve_script({run});
  if (script.empty()) return;
  drawing_ = true;
  // Signals must be handled by the training thread.
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    thread_ = std::thread([this, script = std::move(script)] { draw(script); });
  } catch (const std::system_error& error) {
    warn_(fmt::format("{}: not drawn: no thread for it ({})", path_, error.what()));
    drawing_ = false;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void CurveFile::draw(const std::string& script) {
  try {
    write_file_atomically(path_, run_gnuplot(script));
  } catch (const std::exception& error) {
    if (!warned_) warn_(error.what());
    warned_ = true;
  }
  drawing_ = false;
}

}  // namespace unroll::cli
