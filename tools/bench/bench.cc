#include "bench.h"

#include <fmt/format.h>

#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/simd.h"
#include "checkpoint.h"
#include "denormals.h"
#include "device/device.h"
#include "generation.h"
#include "machine.h"
#include "operations.h"
#include "report.h"
#include "tables.h"
#include "training.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll::bench {

namespace {

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

int threads_of(const BenchOptions& o) { return o.threads.value_or(available_threads()); }

std::vector<Planned> plan(const BenchOptions& o) {
  const int threads = threads_of(o);
  std::vector<Planned> all;
  if (threads > 1) plan(all, limit_benchmarks(1), 1, o.only);
  plan(all, limit_benchmarks(threads), threads, o.only);
  for (auto* benchmarks : {operation_benchmarks, training_benchmarks, generation_benchmarks, start_benchmarks,
                           denormal_benchmarks, checkpoint_benchmarks, table_benchmarks}) {
    plan(all, benchmarks(), threads, o.only);
  }
  if (!all.empty()) return all;
  throw Error(fmt::format(
      "--only '{}': nothing that is measured has that in its name; the groups are limit, operation, "
      "training, generation, generation-64, start, denormals, checkpoint and table, see unroll bench --help",
      o.only));
}

}  // namespace

void list_benchmarks(const BenchOptions& o, const Write& write) {
  nlohmann::ordered_json json;
  std::string text;
  for (const auto& [benchmark, threads] : plan(o)) {
    json["benchmarks"].push_back(description_json(benchmark, threads));
    text += fmt::format("{:<31} {}\n", benchmark.name, benchmark.size);
  }
  write(o.json ? json.dump(2) + "\n" : text);
}

void run_benchmarks(const BenchOptions& o, const Write& write) {
  const std::vector<Planned> all = plan(o);
  const int threads = threads_of(o);
  nlohmann::ordered_json json = {
      {"version", UNROLL_VERSION}, {"simd", simd_target()}, {"threads", threads}, {"repeats", o.repeats}};
  if (!o.json) write(fmt::format("{}, {}\n\n{}", cpu_device().name(), counted(threads, "thread"), table_heading()));
  std::optional<Machine> machine;
  for (const Planned& planned : all) {
    if (!machine || machine->threads() != planned.threads) machine.emplace(planned.threads);
    const Result result = measure(planned.benchmark, *machine, o.repeats);
    if (o.json) {
      json["results"].push_back(result_json(planned.benchmark, result, planned.threads));
    } else {
      write(table_row(planned.benchmark, result));
    }
  }
  if (o.json) write(json.dump(2) + "\n");
}

}  // namespace unroll::bench
