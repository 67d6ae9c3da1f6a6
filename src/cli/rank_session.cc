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
#include "cli/launched.h"
#include "cli/output.h"
#include "cli/rank_watch.h"
#include "cli/stop_signals.h"
#include "train/agreement.h"
#include "unroll/error.h"
#include "unroll/trainer.h"

namespace unroll::cli {

namespace {

constexpr const char* plugin = "unroll_mpi.so";

/// Beside the program where it was built, in the folder of libraries where it was installed.
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
  // MPI's own plugins look for its symbols among those that all may see.
  void* const library = ::dlopen(plugin_path().c_str(), RTLD_NOW | RTLD_GLOBAL);
  void* const join = library == nullptr ? nullptr : ::dlsym(library, "unroll_join_mpi_ranks");
  if (join == nullptr) throw Error(ExitCode::io, fmt::format("MPI cannot be loaded: {}", ::dlerror()));
  return std::unique_ptr<ProcessRanks>(reinterpret_cast<ProcessRanks* (*)()>(join)());
}

/// For a failure that the other ranks cannot be told of, or have as well. Ends the process as it is: MPI would wait for
/// them.
[[noreturn]] void leave(const Failure& failure) {
  constexpr std::chrono::seconds patience(2);  // for rank 0 to say the same
  const int rank = launched().rank;
  if (rank > 0) std::this_thread::sleep_for(patience);
  say_even_if_silent(rank == 0 ? "unroll: " + failure.line
                               : fmt::format("unroll: rank {} on {}: {}", rank, host_name(), failure.line));
  ::_exit(failure.code);
}

/// Ranks that are not of one version may not even understand each other.
void require_one_version(Communicator& ranks) {
  std::array<char, 32> own{};
  std::string_view(UNROLL_VERSION).copy(own.data(), own.size() - 1);
  const std::vector<std::array<char, 32>> all = all_of(ranks, own);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    throw Error(ExitCode::bad_data, fmt::format("rank {} is unroll {}, rank 0 is {}: install one version on all hosts",
                                                rank, all[rank].data(), all[0].data()));
  }
}

/// As one of several ranks: what can fail on some of them only, then the rest.
void work_with_others(double timeout_seconds, const std::function<void()>& prepare,
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
  const auto wait_for_the_others = [&] { all_of(*ranks, 0); };
  try {
    together(*ranks, prepare);
    RankSession session{*ranks, [&](double seconds) { watch->set_timeout(seconds); }};
    work(session);
  } catch (const StoppedBySignal&) {  // all ranks were
    wait_for_the_others();
    throw;
  } catch (const Diverged&) {  // all ranks have, and rank 0 has recorded it
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
    return work_with_others(
        timeout_seconds, [] {}, work);
  RankSession session{alone(), [](double) {}};
  work(session);
}

void fail_on_all_ranks(const std::exception_ptr& thrown) {
  constexpr double timeout = 5;  // seconds
  if (launched().ranks > 1)
    work_with_others(
        timeout, [&] { std::rethrow_exception(thrown); }, [](RankSession&) {});
  std::rethrow_exception(thrown);
}

}  // namespace unroll::cli
