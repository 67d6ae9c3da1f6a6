#pragma once

namespace unroll::cli {

/// What the environment says where mpirun, srun or a like program started this process as one of several.
struct Launched {
  int rank = 0;
  int ranks = 1;
  int ranks_on_host = 1;
};

/// Rank 0 of 1 where there is nothing of the kind.
Launched launched();

/// How many threads a rank may use: what its affinity mask and cgroup allow, and no more than its share of what all
/// ranks of this host may use.
int threads_of_rank();

}  // namespace unroll::cli
