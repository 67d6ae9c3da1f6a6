#include "cli/bench/generation.h"

#include <memory>

#include "cli/bench/models.h"
#include "unroll/language_model.h"

namespace unroll::cli {

namespace {

constexpr int vocabulary = 1027, length = 200;

double weights_read(const Workload& workload) {
  const LanguageModelOptions& model = workload.model;
  const std::int64_t row = model.embedding > 0 ? model.embedding : gate_count(model.cell) * model.hidden;
  return static_cast<double>(parameter_count(workload) - (workload.vocabulary - 1) * row);
}

struct Writer {
  explicit Writer(const Workload& workload, int threads)
      : context({.seed = 1, .threads = threads}),
        model(context, synthetic_vocabulary(static_cast<int>(workload.vocabulary)), workload.model) {}
  Context context;
  LanguageModel model;
};

Benchmark benchmark_of(const Workload& workload) {
  const double bytes = sizeof(float) * weights_read(workload);
  return {.name = "generation/" + short_name(workload.model),
          .size = size_text(workload),
          .need = {.read_bytes = bytes, .footprint = bytes},
          .symbols = 1,
          .model = workload_json(workload),
          .prepare = [workload](int threads) -> Prepared {
            const auto writer = std::make_shared<Writer>(workload, threads);
            return {.run = [writer, prefix = writer->model.vocabulary().text(0)] {
              generate(writer->model, prefix, {.length = length});
            }};
          },
          .per_call = length};
}

}  // namespace

std::vector<Benchmark> generation_benchmarks() {
  std::vector<Benchmark> all;
  for (const int hidden : {256, 1024}) {
    for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
      all.push_back(benchmark_of({.model = {.cell = cell, .hidden = hidden}, .vocabulary = vocabulary}));
    }
  }
  return all;
}

}  // namespace unroll::cli
