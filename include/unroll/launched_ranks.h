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

/// Number of threads that a rank may use: those that its affinity mask and cgroup allow, but at most its share of what
/// all ranks of this host may use.
int threads_of_rank();

/// Exit code of a rank, and the reason on one line.
struct RankFailure {
  int code = 0;
  std::string line;
};

struct LaunchedRanksOptions {
  std::string plugin = {};   ///< path of unroll_mpi.so; used if there are several ranks
  double timeout = 5;        ///< seconds without a heartbeat after which a rank counts as lost
  std::string version = {};  ///< of the caller; must be equal on all ranks
  std::string advice = {};   ///< end of the message about a lost rank: "; start it again with .."
  /// Receives the reason before this process ends. Called on one of the ranks, from any thread.
  std::function<void(const std::string&)> report = [](const std::string&) {};
};

/// The ranks that a launcher started together with this process, or this process alone. If one of several ends, all
/// end: a thread exchanges heartbeats with the others, and ends this process if a rank is lost or reports a failure. No
/// clean-up is needed, since files are written atomically.
class LaunchedRanks {
 public:
  /// Collective. If it fails on a rank, all ranks end: usage without the plugin, bad_data for different versions, io
  /// where MPI cannot be loaded.
  explicit LaunchedRanks(LaunchedRanksOptions options);
  LaunchedRanks(const LaunchedRanks&) = delete;
  LaunchedRanks& operator=(const LaunchedRanks&) = delete;
  ~LaunchedRanks();

  Communicator& communicator();
  void set_timeout(double seconds);
  /// Collective: returns when all ranks have called it.
  void wait();
  /// Ends this process and all others with the code of the failure, which one rank reports.
  [[noreturn]] void fail(const RankFailure& failure);

 private:
  LaunchedRanksOptions options_;
  std::unique_ptr<ProcessRanks> processes_;  // none if this process is alone
  std::unique_ptr<RankWatch> watch_;
};

}  // namespace unroll
