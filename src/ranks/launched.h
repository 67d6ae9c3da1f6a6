#pragma once

namespace unroll {

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

}  // namespace unroll
