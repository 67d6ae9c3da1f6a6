#include "rank_session.h"

#include <filesystem>
#include <string>
#include <system_error>

#include "failure.h"
#include "format.h"
#include "output.h"
#include "stop_signals.h"
#include "unroll/trainer.h"

namespace unroll::cli {

namespace {

/// In the library folder of an installation, next to the program in a build tree.
std::string plugin_path() {
  namespace fs = std::filesystem;
  constexpr const char* plugin = "unroll_mpi.so";
  std::error_code ignored;
  const fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  const fs::path installed = folder / UNROLL_PLUGINS / plugin;
  return (fs::exists(installed, ignored) ? installed : folder / plugin).lexically_normal().string();
}

/// Joins the other ranks and runs `prepare`, which may fail on some ranks only, then `work`.
void run_with_ranks(double timeout_seconds, const std::function<void()>& prepare,
                    const std::function<void(LaunchedRanks&)>& work) {
  LaunchedRanks ranks({.plugin = plugin_path(),
                       .timeout = timeout_seconds,
                       .advice = "; unroll train --resume goes on from the last checkpoint",
                       .report = [](const std::string& line) { log_message_always("unroll: " + one_line(line)); }});
  const auto fail = [&] {
    const Failure failure = failure_of(std::current_exception());
    ranks.fail({failure.code, failure.line});
  };
  try {
    run_collectively(ranks.communicator(), prepare);
    work(ranks);
  } catch (const StoppedBySignal&) {  // on all ranks
    ranks.wait();
    throw;
  } catch (const Diverged&) {  // on all ranks, and rank 0 has recorded it
    ranks.wait();
    fail();
  } catch (const OutputClosed&) {
    ranks.wait();
    throw;
  } catch (...) {
    fail();
  }
  ranks.wait();
}

}  // namespace

void on_all_ranks(double timeout_seconds, const std::function<void(LaunchedRanks&)>& work) {
  if (launched().ranks > 1)
    return run_with_ranks(
        timeout_seconds, [] {}, work);
  LaunchedRanks alone({});
  work(alone);
}

void fail_on_all_ranks(const std::exception_ptr& thrown) {
  constexpr double timeout = 5;  // seconds
  if (launched().ranks > 1)
    run_with_ranks(
        timeout, [&] { std::rethrow_exception(thrown); }, [](LaunchedRanks&) {});
  std::rethrow_exception(thrown);
}

}  // namespace unroll::cli
