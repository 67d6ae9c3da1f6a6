#include "ranks/launched.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string_view>

#include "unroll/context.h"

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

}  // namespace unroll
