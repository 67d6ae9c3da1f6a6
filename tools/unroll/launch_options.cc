#include "launch_options.h"

#include "options.h"

namespace unroll::cli {

std::vector<OptionGroup> describe(LaunchOptions& o) {
  constexpr int max_ranks = 1024;  // mpirun does not start many more processes on one host in reasonable time
  return {{"How it is run",
           {arguments("ARGUMENT", o.arguments, "train or bench, and its arguments, behind --"),
            whole_number("ranks", o.ranks, 1, max_ranks, "processes in all"),
            text("hosts", "FILE", o.hosts, "this host", "a file with a line NAME slots=N for each host"),
            whole_number("max-restarts", o.max_restarts, 0, 1000, "times to go on after a rank was lost")}}};
}

}  // namespace unroll::cli
