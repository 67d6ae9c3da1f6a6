#include "../bench/bench.h"

#include <memory>

#include "commands.h"
#include "output.h"
#include "rank_session.h"

namespace unroll::cli {

namespace {

struct BenchOptions {
  bench::BenchOptions measuring;
  bool distributed = false;  ///< measure data-parallel training across ranks
  bool list = false;         ///< print the names, measure nothing
};

constexpr const char* bench_details =
    R"(Names are GROUP/WHAT; the groups are limit, operation, training, generation, generation-64 (64 texts side by side),
start, denormals, checkpoint (what a checkpoint keeps training waiting, and what its thread then does) and table
(reading CSV).
Rounds of the machine's limits and of what is measured alternate; times are medians, the spread is that of the
fastest and the slowest round. The share is that of what the machine's limits allow for the work that cannot be
avoided; for denormals it is the time with them over the time without. Measure on an otherwise idle machine.

Examples:
  unroll bench
  unroll bench --only training/lstm --threads 1 --repeats 15
  unroll bench --only operation/gemm --json
  unroll bench --list
  mpirun -n 2 unroll bench --distributed)";

std::vector<OptionGroup> options_of(BenchOptions& o) {
  return {
      {"What is measured",
       {text("only", "TEXT", o.measuring.only, "", "only what has TEXT in its name; default: everything"),
        whole_number("threads", o.measuring.threads, 1, max_threads, "what is allowed", "threads to use"),
        whole_number("repeats", o.measuring.repeats, 1, 10'000, "rounds, after one that warms up"),
        toggle("distributed", o.distributed, "what it costs to share lstm-256 and lstm-1024, or --only, among ranks"),
        toggle("list", o.list, "show what there is to measure, and measure nothing"),
        toggle("json", o.measuring.json, "print the results as one JSON object")}}};
}

/// Collective: ends all ranks if the reader of rank 0's output has closed it.
void write_collectively(Communicator& ranks, const std::string& text) {
  bool closed = false;
  try {
    write_result(text);
  } catch (const OutputClosed&) {
    closed = true;
  }
  if (all_reduce_or(ranks, closed)) throw OutputClosed{};
}

void run(const BenchOptions& o) {
  if (o.list) return bench::list_benchmarks(o.measuring, write_result);
  if (!o.distributed) return bench::run_benchmarks(o.measuring, write_result);
  constexpr double timeout = 30;  // seconds
  on_all_ranks(timeout, [&](LaunchedRanks& launched) {
    Communicator& ranks = launched.communicator();
    bench::run_distributed_benchmarks(ranks, o.measuring,
                                      [&](const std::string& text) { write_collectively(ranks, text); });
  });
}

}  // namespace

Command bench_command() {
  auto options = std::make_shared<BenchOptions>();
  return {.name = "bench",
          .summary = "Measure this machine, and how much of it is used.",
          .details = bench_details,
          .groups = options_of(*options),
          .run = [options](const OptionValues&) { run(*options); },
          .shared = true};
}

}  // namespace unroll::cli
