#pragma once

#include <functional>
#include <memory>
#include <string>

#include "unroll/communicator.h"

namespace unroll {

class ProcessRanks;
class RankWatch;

/// Place of this process among those started by mpirun, srun or a similar launcher.
struct Launched {
  int rank = 0;
  int ranks = 1;
  int ranks_on_host = 1;
};

/// Reads the environment; rank 0 of 1 if there is no launcher.
Launched launched();

/// Number of threads that a rank may use: the minimum of what its affinity mask and cgroup allow and of its share of
/// the threads of all ranks on this host; at least 1.
int threads_of_rank();

/// Exit code of a rank, and the reason on one line.
struct RankFailure {
  int code = 0;
  std::string line;
};

struct LaunchedRanksOptions {
  std::string plugin = {};  ///< path of unroll_mpi.so; used if there are several ranks
  double timeout = 5;       ///< seconds > 0 without a heartbeat after which a rank counts as lost
  std::string advice = {};  ///< end of the message about a lost rank: "; start it again with .."
  /// Receives the reason before the processes end. Called on one of the ranks, from any thread; exceptions are ignored.
  std::function<void(const std::string&)> report = {};
};

/// The ranks that a launcher started together with this process, or this process alone. If one of several ends, all
/// end: a thread exchanges heartbeats with the others, and ends this process if a rank is lost or reports a failure. A
/// process ends so without destructors; what the library writes stays whole, since files are written atomically.
class LaunchedRanks {
 public:
  /// Collective; once in a process. Throws Error for a timeout out of range. Where joining the other ranks fails, calls
  /// `report` on one rank and ends all with the code of ExitCode: usage without the plugin, bad_data for different
  /// versions of the library, io if MPI cannot be loaded.
  explicit LaunchedRanks(LaunchedRanksOptions options);
  LaunchedRanks(const LaunchedRanks&) = delete;
  LaunchedRanks& operator=(const LaunchedRanks&) = delete;
  /// Call wait() before: if a rank of several leaves without it, by an exception for example, all ranks end with
  /// ExitCode::internal.
  ~LaunchedRanks();

  Communicator& communicator();
  void set_timeout(double seconds);  ///< > 0
  /// Collective: returns when all ranks have called it. The last call before the end.
  void wait();
  /// One rank calls `report` with the line of the failure; every process then ends with its code. C streams are flushed
  /// before.
  [[noreturn]] void fail(const RankFailure& failure);

 private:
  LaunchedRanksOptions options_;
  bool waited_ = false;
  std::unique_ptr<ProcessRanks> processes_;  // none if this process is alone
  std::unique_ptr<RankWatch> watch_;
};

}  // namespace unroll
