#include "training.h"

#include <algorithm>
#include <memory>

#include "measured_training.h"
#include "models.h"

namespace unroll::bench {

namespace {

Benchmark training_benchmark(const Workload& workload) {
  return {.name = training_name(workload),
          .size = size_text(workload),
          .need = need_of_training_step(workload),
          .symbols = static_cast<double>(workload.batch * workload.steps),
          .model = workload_json(workload),
          .prepare = [workload](int threads) -> Prepared {
            const auto run = std::make_shared<MeasuredTraining>(workload, threads);
            return {.run = [run] { run->step(); }};
          }};
}

}  // namespace

std::string training_name(const Workload& workload) { return "training/" + short_name(workload.model); }

MinimalWork need_of_training_step(const Workload& workload) {
  const LanguageModelOptions& model = workload.model;
  const double parameters = static_cast<double>(parameter_count(workload));
  const double table_width = model.embedding > 0 ? model.embedding : gate_count(model.cell.type()) * model.hidden;
  // Rows of the input table whose gradient is zero and is not transferred: none if the output layer shares the table.
  const std::int64_t unread_rows =
      model.tied ? 0 : std::max<std::int64_t>(workload.vocabulary - workload.batch * workload.steps, 0);
  const double untouched = static_cast<double>(unread_rows) * table_width;
  constexpr double gradient_passes = 3, state_passes = 6, blocks = 4;
  return {.flop = 3 * forward_operations(workload),
          .streamed_bytes = sizeof(float) * (gradient_passes * (parameters - untouched) + state_passes * parameters),
          .footprint = sizeof(float) * blocks * parameters};
}

std::vector<Workload> training_workloads() {
  std::vector<Workload> all;
  for (const int hidden : {256, 512, 1024}) {
    for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
      all.push_back({.model = {.cell = cell, .hidden = hidden}, .vocabulary = 1027, .batch = 32, .steps = 35});
    }
  }
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    all.push_back({.model = {.cell = cell, .hidden = 512, .layers = 2, .dropout = 0.5f},
                   .vocabulary = 65,
                   .batch = 64,
                   .steps = 128});
  }
  for (const bool tied : {false, true}) {
    all.push_back({.model = {.cell = CellType::lstm, .hidden = 650, .layers = 2, .embedding = 650, .tied = tied},
                   .vocabulary = 10'000,
                   .batch = 20,
                   .steps = 35});
  }
  return all;
}

std::vector<Benchmark> training_benchmarks() {
  std::vector<Benchmark> all;
  for (const Workload& workload : training_workloads()) all.push_back(training_benchmark(workload));
  return all;
}

}  // namespace unroll::bench
