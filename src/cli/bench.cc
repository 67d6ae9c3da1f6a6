#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/simd.h"
#include "cli/bench/checkpoint.h"
#include "cli/bench/denormals.h"
#include "cli/bench/distributed.h"
#include "cli/bench/generation.h"
#include "cli/bench/machine.h"
#include "cli/bench/operations.h"
#include "cli/bench/report.h"
#include "cli/bench/training.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/rank_session.h"
#include "device/device.h"
#include "ranks/launched.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

struct BenchOptions {
  std::string only;            ///< substring of the names to measure; empty: all
  std::optional<int> threads;  ///< default: available_threads()
  int repeats = 3;             ///< measured rounds, after one warm-up round
  bool distributed = false;    ///< measure data-parallel training across ranks
  bool list = false;           ///< print the names, measure nothing
  bool json = false;           ///< print the results as JSON
};

constexpr const char* bench_details =
    R"(Names are GROUP/WHAT; the groups are limit, operation, training, generation, generation-64 (64 texts side by side),
start, denormals and checkpoint (what a checkpoint keeps training waiting, and what its thread then does).
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
       {text("only", "TEXT", o.only, "", "only what has TEXT in its name; default: everything"),
        whole_number("threads", o.threads, 1, max_threads, "what is allowed", "threads to use"),
        whole_number("repeats", o.repeats, 1, 10'000, "rounds, after one that warms up"),
        toggle("distributed", o.distributed, "what it costs to share lstm-256 and lstm-1024, or --only, among ranks"),
        toggle("list", o.list, "show what there is to measure, and measure nothing"),
        toggle("json", o.json, "print the results as one JSON object")}}};
}

/// A benchmark and the number of threads to run it with.
struct Planned {
  Benchmark benchmark;
  int threads;
};

void plan(std::vector<Planned>& all, std::vector<Benchmark> benchmarks, int threads, const std::string& only) {
  for (Benchmark& benchmark : benchmarks) {
    if (benchmark.name.find(only) != std::string::npos) all.push_back({std::move(benchmark), threads});
  }
}

std::vector<Planned> plan(const BenchOptions& o, int threads) {
  std::vector<Planned> all;
  if (threads > 1) plan(all, limit_benchmarks(1), 1, o.only);
  plan(all, limit_benchmarks(threads), threads, o.only);
  for (auto* benchmarks : {operation_benchmarks, training_benchmarks, generation_benchmarks, start_benchmarks,
                           denormal_benchmarks, checkpoint_benchmarks}) {
    plan(all, benchmarks(), threads, o.only);
  }
  if (!all.empty()) return all;
  throw Error(
      fmt::format("--only '{}': nothing that is measured has that in its name; the groups are limit, operation, "
                  "training, generation, generation-64, start, denormals and checkpoint, see unroll bench --help",
                  o.only));
}

void list(const std::vector<Planned>& all, bool as_json) {
  nlohmann::ordered_json json;
  std::string text;
  for (const auto& [benchmark, threads] : all) {
    json["benchmarks"].push_back(description_json(benchmark, threads));
    text += fmt::format("{:<31} {}\n", benchmark.name, benchmark.size);
  }
  write_result(as_json ? to_text(json) : text);
}

void bench_ranks(const BenchOptions& o) {
  constexpr double timeout = 30;  // seconds
  on_all_ranks(timeout, [&](RankSession& session) {
    bench_distributed(
        session.ranks,
        {.only = o.only, .threads = o.threads.value_or(threads_of_rank()), .repeats = o.repeats, .json = o.json});
  });
}

void bench(const BenchOptions& o) {
  if (o.distributed && !o.list) return bench_ranks(o);
  const int threads = o.threads.value_or(available_threads());
  const std::vector<Planned> all = plan(o, threads);
  if (o.list) return list(all, o.json);
  nlohmann::ordered_json json = {
      {"version", UNROLL_VERSION}, {"simd", simd_target()}, {"threads", threads}, {"repeats", o.repeats}};
  if (!o.json) {
    write_result(fmt::format("{}, {}\n\n{}", cpu_device().name(), counted(threads, "thread"), table_heading()));
  }
  std::optional<Machine> machine;
  for (const Planned& planned : all) {
    if (!machine || machine->threads() != planned.threads) machine.emplace(planned.threads);
    const Result result = measure(planned.benchmark, *machine, o.repeats);
    if (o.json) {
      json["results"].push_back(result_json(planned.benchmark, result, planned.threads));
    } else {
      write_result(table_row(planned.benchmark, result));
    }
  }
  if (o.json) write_result(to_text(json));
}

}  // namespace

Command bench_command() {
  auto options = std::make_shared<BenchOptions>();
  return {.name = "bench",
          .summary = "Measure this machine, and how much of it is used.",
          .details = bench_details,
          .groups = options_of(*options),
          .run = [options](const OptionValues&) { bench(*options); },
          .shared = true};
}

}  // namespace unroll::cli
