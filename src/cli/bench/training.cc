#include "cli/bench/training.h"

#include <algorithm>
#include <memory>

#include "cli/bench/models.h"
#include "unroll/optimizers.h"
#include "unroll/trainer.h"

namespace unroll::cli {

namespace {

constexpr std::int64_t windows = 4;  // that the corpus has

class TrainingRun {
 public:
  TrainingRun(const Workload& workload, int threads)
      : context_({.seed = 1, .threads = threads}),
        corpus_(synthetic_corpus(static_cast<int>(workload.vocabulary), workload.batch * (workload.steps * windows + 1),
                                 context_.seed())),
        model_(context_, corpus_.vocabulary(), workload.model),
        task_(model_, corpus_, {.batch = static_cast<int>(workload.batch), .steps = static_cast<int>(workload.steps)}),
        adam_(model_.parameters(), {.learning_rate = 1e-4}) {
    task_.begin_epoch(1);
  }

  void step() {
    model_.parameters().zero_gradients();
    task_.forward_backward(next_++ % task_.batches_per_epoch());
    clip_by_global_norm(model_.parameters(), 1.0f);
    adam_.step();
  }

 private:
  Context context_;
  Corpus corpus_;
  LanguageModel model_;
  LanguageTask task_;
  Adam adam_;
  std::int64_t next_ = 0;
};

Benchmark benchmark_of(const Workload& workload) {
  return {.name = "training/" + short_name(workload.model),
          .size = size_text(workload),
          .need = need_of_training_step(workload),
          .symbols = static_cast<double>(workload.batch * workload.steps),
          .model = workload_json(workload),
          .prepare = [workload](int threads) -> Prepared {
            const auto run = std::make_shared<TrainingRun>(workload, threads);
            return {.run = [run] { run->step(); }};
          }};
}

}  // namespace

Need need_of_training_step(const Workload& workload) {
  const LanguageModelOptions& model = workload.model;
  const double parameters = static_cast<double>(parameter_count(workload));
  const double table_width = model.embedding > 0 ? model.embedding : gate_count(model.cell) * model.hidden;
  // Rows of the input's table whose gradient is zero and need not pass: none where the output layer shares the table.
  const std::int64_t unread_rows =
      model.tied ? 0 : std::max<std::int64_t>(workload.vocabulary - workload.batch * workload.steps, 0);
  const double untouched = static_cast<double>(unread_rows) * table_width;
  constexpr double gradient_passes = 3, state_passes = 6, blocks = 4;
  return {.flop = 3 * forward_operations(workload),
          .streamed_bytes = sizeof(float) * (gradient_passes * (parameters - untouched) + state_passes * parameters),
          .footprint = sizeof(float) * blocks * parameters};
}

std::vector<Benchmark> training_benchmarks() {
  std::vector<Benchmark> all;
  for (const int hidden : {256, 512, 1024}) {
    for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
      all.push_back(
          benchmark_of({.model = {.cell = cell, .hidden = hidden}, .vocabulary = 1027, .batch = 32, .steps = 35}));
    }
  }
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    all.push_back(benchmark_of({.model = {.cell = cell, .hidden = 512, .layers = 2, .dropout = 0.5f},
                                .vocabulary = 65,
                                .batch = 64,
                                .steps = 128}));
  }
  for (const bool tied : {false, true}) {
    all.push_back(
        benchmark_of({.model = {.cell = Cell::lstm, .hidden = 650, .layers = 2, .embedding = 650, .tied = tied},
                      .vocabulary = 10'000,
                      .batch = 20,
                      .steps = 35}));
  }
  return all;
}

}  // namespace unroll::cli
