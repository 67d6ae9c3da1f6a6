#include "unroll/launched_ranks.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "ranks/agreement.h"
#include "ranks/process_ranks.h"
#include "ranks/rank_watch.h"
#include "unroll/context.h"
#include "unroll/error.h"

namespace unroll {

namespace {

/// Value of the first of these variables that is a number or starts with one: Slurm's "2(x3)" means 2 tasks on each of
/// 3 hosts.
std::optional<int> number_in(std::initializer_list<const char*> variables) {
  for (const char* name : variables) {
    const char* const value = std::getenv(name);
    if (value == nullptr) continue;
    const std::string_view text(value);
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool whole = end == text.data() + text.size() || *end == '(' || *end == ',';
    if (error == std::errc() && whole && number >= 0) return number;
  }
  return std::nullopt;
}

/// Number of cores in the affinity mask of `process` (0: this process); 0 if it cannot be read.
int cores_of(pid_t process) {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  return ::sched_getaffinity(process, sizeof mask, &mask) == 0 ? CPU_COUNT(&mask) : 0;
}

std::unique_ptr<ProcessRanks> join_ranks(const std::string& plugin) {
  std::error_code ignored;
  if (!std::filesystem::exists(plugin, ignored)) {
    throw Error(
        fmt::format("this process is one of {} that were started together, and there is no MPI plugin {}: build unroll "
                    "with MPI (Debian package libopenmpi-dev), or start a single process",
                    launched().ranks, plugin));
  }
  // RTLD_GLOBAL, since MPI's own plugins look up its symbols globally.
  void* const library = ::dlopen(plugin.c_str(), RTLD_NOW | RTLD_GLOBAL);
  void* const join = library == nullptr ? nullptr : ::dlsym(library, "unroll_join_mpi_ranks");
  if (join == nullptr) throw Error(ExitCode::io, fmt::format("MPI cannot be loaded: {}", ::dlerror()));
  return std::unique_ptr<ProcessRanks>(reinterpret_cast<ProcessRanks* (*)()>(join)());
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

RankFailure failure_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return {static_cast<int>(error.code()), error.what()};
  } catch (const std::system_error& error) {
    return {static_cast<int>(ExitCode::io), fmt::format("no thread to watch over the other ranks: {}", error.what())};
  } catch (const std::exception& error) {
    return {static_cast<int>(ExitCode::internal), error.what()};
  }
}

/// Ends the process after a failure that the other ranks cannot be told of, or have as well. Without clean-up, since
/// MPI would wait for them.
[[noreturn]] void leave(const RankFailure& failure, const LaunchedRanksOptions& options) {
  constexpr std::chrono::seconds patience(2);  // for rank 0 to report the same
  const int rank = launched().rank;
  if (rank > 0) std::this_thread::sleep_for(patience);
  report_end(options, rank == 0 ? failure.line : fmt::format("rank {} on {}: {}", rank, host_name(), failure.line));
  ::_exit(failure.code);
}

}  // namespace

Launched launched() {
  // Open MPI; MPICH and Intel MPI; PMIx and Slurm. SLURM_PROCID is not used: a batch script has it too.
  const auto rank = number_in({"OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK"});
  const auto ranks = number_in({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"});
  if (!rank || !ranks || *ranks < 2 || *rank >= *ranks) return {};
  const auto on_host = number_in({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_TASKS_PER_NODE"});
  return {*rank, *ranks, std::max(1, on_host.value_or(1))};
}

int threads_of_rank() {
  const int allowed = available_threads();
  // A mask smaller than that of mpirun's daemon was set for this rank or for its socket, so the daemon's mask is the
  // one to share. A container restricts both alike.
  const int of_daemon = cores_of(::getppid());
  const int whole = cores_of(0) < of_daemon ? of_daemon : allowed;
  return std::min(allowed, std::max(1, whole / launched().ranks_on_host));
}

LaunchedRanks::LaunchedRanks(LaunchedRanksOptions options) : options_(std::move(options)) {
  if (!(options_.timeout > 0)) throw Error(fmt::format("timeout is {}; it must be above 0", options_.timeout));
  if (launched().ranks == 1) return;
  static std::atomic<bool> joined = false;
  if (joined.exchange(true)) throw Error("a process can join the other ranks once: keep one LaunchedRanks");
  try {
    processes_ = join_ranks(options_.plugin);
    require_one_version(*processes_);
    watch_ = std::make_unique<RankWatch>(*processes_, options_);
  } catch (...) {
    leave(failure_of(std::current_exception()), options_);
  }
}

LaunchedRanks::~LaunchedRanks() {
  if (watch_ && !waited_)
    fail({static_cast<int>(ExitCode::internal), "this rank ended without waiting for the others"});
}

Communicator& LaunchedRanks::communicator() {
  if (processes_) return *processes_;
  return single_process();
}

void LaunchedRanks::set_timeout(double seconds) {
  if (watch_) watch_->set_timeout(seconds);
}

void LaunchedRanks::wait() {
  all_gather(communicator(), 0);
  waited_ = true;
}

void LaunchedRanks::fail(const RankFailure& failure) {
  std::fflush(nullptr);
  if (watch_) watch_->fail(failure);
  leave(failure, options_);
}

}  // namespace unroll
