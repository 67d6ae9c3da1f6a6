#include "cli/rank_session.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "cli/failure.h"
#include "cli/output.h"
#include "cli/rank_watch.h"
#include "cli/stop_signals.h"
#include "ranks/agreement.h"
#include "ranks/launched.h"
#include "unroll/error.h"
#include "unroll/trainer.h"

namespace unroll::cli {

namespace {

constexpr const char* plugin = "unroll_mpi.so";

/// Next to the program in a build tree, in the library folder of an installation.
std::string plugin_path() {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path folder = fs::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const fs::path& path : {folder / plugin, folder / UNROLL_PLUGINS / plugin}) {
    if (fs::exists(path, ignored)) return path.string();
  }
  throw Error(
      fmt::format("this process is one of {} that were started together, and this unroll was built without "
                  "MPI (Debian package libopenmpi-dev): start a single one",
                  launched().ranks));
}

std::unique_ptr<ProcessRanks> join_ranks() {
  // RTLD_GLOBAL, since MPI's own plugins look up its symbols globally.
  void* const library = ::dlopen(plugin_path().c_str(), RTLD_NOW | RTLD_GLOBAL);
  void* const join = library == nullptr ? nullptr : ::dlsym(library, "unroll_join_mpi_ranks");
  if (join == nullptr) throw Error(ExitCode::io, fmt::format("MPI cannot be loaded: {}", ::dlerror()));
  return std::unique_ptr<ProcessRanks>(reinterpret_cast<ProcessRanks* (*)()>(join)());
}

/// Ends the process after a failure that the other ranks cannot be told of, or have as well. Without clean-up, since
/// MPI would wait for them.
[[noreturn]] void leave(const Failure& failure) {
  constexpr std::chrono::seconds patience(2);  // for rank 0 to report the same
  const int rank = launched().rank;
  if (rank > 0) std::this_thread::sleep_for(patience);
  log_message_always(rank == 0 ? "unroll: " + failure.line
                               : fmt::format("unroll: rank {} on {}: {}", rank, host_name(), failure.line));
  ::_exit(failure.code);
}

/// Throws Error if the ranks run different versions, which may have incompatible messages.
void require_one_version(Communicator& ranks) {
  std::array<char, 32> own{};
  std::string_view(UNROLL_VERSION).copy(own.data(), own.size() - 1);
  const std::vector<std::array<char, 32>> all = all_gather(ranks, own);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    throw Error(ExitCode::bad_data, fmt::format("rank {} is unroll {}, rank 0 is {}: install one version on all hosts",
                                                rank, all[rank].data(), all[0].data()));
  }
}

/// Joins the other ranks and runs `prepare`, which may fail on some ranks only, then `work`.
void run_with_ranks(double timeout_seconds, const std::function<void()>& prepare,
                    const std::function<void(RankSession&)>& work) {
  std::unique_ptr<ProcessRanks> ranks;
  std::optional<RankWatch> watch;
  try {
    ranks = join_ranks();
    require_one_version(*ranks);
    watch.emplace(*ranks, timeout_seconds);
  } catch (const std::system_error& error) {
    leave({static_cast<int>(ExitCode::io), fmt::format("no thread to watch over the other ranks: {}", error.what())});
  } catch (...) {
    leave(failure_of(std::current_exception()));
  }
  const auto wait_for_the_others = [&] { all_gather(*ranks, 0); };
  try {
    run_collectively(*ranks, prepare);
    RankSession session{*ranks, [&](double seconds) { watch->set_timeout(seconds); }};
    work(session);
  } catch (const StoppedBySignal&) {  // on all ranks
    wait_for_the_others();
    throw;
  } catch (const Diverged&) {  // on all ranks, and rank 0 has recorded it
    wait_for_the_others();
    watch->fail(failure_of(std::current_exception()));
  } catch (const OutputClosed&) {
    wait_for_the_others();
    throw;
  } catch (...) {
    watch->fail(failure_of(std::current_exception()));
  }
  wait_for_the_others();
}

}  // namespace

void on_all_ranks(double timeout_seconds, const std::function<void(RankSession&)>& work) {
  if (launched().ranks > 1)
    return run_with_ranks(
        timeout_seconds, [] {}, work);
  RankSession session{single_process(), [](double) {}};
  work(session);
}

void fail_on_all_ranks(const std::exception_ptr& thrown) {
  constexpr double timeout = 5;  // seconds
  if (launched().ranks > 1)
    run_with_ranks(
        timeout, [&] { std::rethrow_exception(thrown); }, [](RankSession&) {});
  std::rethrow_exception(thrown);
}

}  // namespace unroll::cli
