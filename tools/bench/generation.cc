#include "generation.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "models.h"
#include "unroll/session.h"

namespace unroll::bench {

namespace {

constexpr int vocabulary = 1027, length = 200, side_by_side = 64;

double weights_read(const Workload& workload) {
  const LanguageModelOptions& model = workload.model;
  const std::int64_t row = model.embedding > 0 ? model.embedding : gate_count(model.cell.type()) * model.hidden;
  return static_cast<double>(parameter_count(workload) - (workload.vocabulary - 1) * row);
}

struct Writer {
  explicit Writer(const Workload& workload, int threads)
      : context({.seed = 1, .threads = threads}),
        model(context, synthetic_vocabulary(static_cast<int>(workload.vocabulary)), workload.model) {}
  Context context;
  LanguageModel model;
};

/// Batch 1 is bound by reading the weights; larger batches reuse them and are compared with the matrix products.
MinimalWork need_of_step(const Workload& workload) {
  if (workload.batch > 1) return {.flop = forward_operations(workload)};
  const double bytes = sizeof(float) * weights_read(workload);
  return {.read_bytes = bytes, .footprint = bytes};
}

/// A step continues each of `workload.batch` texts by one symbol.
Benchmark benchmark_of(const Workload& workload) {
  const std::string group = workload.batch > 1 ? fmt::format("generation-{}", workload.batch) : "generation";
  return {.name = group + "/" + short_name(workload.model),
          .size = size_text(workload),
          .need = need_of_step(workload),
          .symbols = static_cast<double>(workload.batch),
          .model = workload_json(workload),
          .prepare = [workload](int threads) -> Prepared {
            const auto writer = std::make_shared<Writer>(workload, threads);
            std::vector<std::string> prefixes;
            prefixes.reserve(static_cast<std::size_t>(workload.batch));
            for (int id = 0; id < workload.batch; ++id) prefixes.emplace_back(writer->model.vocabulary().text(id));
            return {.run = [writer, prefixes = std::move(prefixes)] {
              generate(writer->model, prefixes, {.length = length});
            }};
          },
          .per_call = length};
}

}  // namespace

std::vector<Benchmark> generation_benchmarks() {
  std::vector<Benchmark> all;
  for (const int hidden : {256, 1024}) {
    for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
      all.push_back(benchmark_of({.model = {.cell = cell, .hidden = hidden}, .vocabulary = vocabulary}));
    }
  }
  for (const int hidden : {256, 1024}) {
    for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
      all.push_back(
          benchmark_of({.model = {.cell = cell, .hidden = hidden}, .vocabulary = vocabulary, .batch = side_by_side}));
    }
  }
  return all;
}

}  // namespace unroll::bench
