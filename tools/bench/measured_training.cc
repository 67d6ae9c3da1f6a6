#include "measured_training.h"

#include "models.h"

namespace unroll::bench {

namespace {

constexpr std::int64_t windows = 4;  // per sequence of the corpus

}  // namespace

MeasuredTraining::MeasuredTraining(const Workload& workload, int threads)
    : context_({.seed = 1, .threads = threads}),
      corpus_(synthetic_corpus(static_cast<int>(workload.vocabulary), workload.batch * (workload.steps * windows + 1),
                               context_.seed())),
      model_(context_, corpus_.vocabulary(), workload.model),
      task_(model_, corpus_, {.batch = static_cast<int>(workload.batch), .window = static_cast<int>(workload.steps)}),
      adam_(model_.parameters(), {.learning_rate = 1e-4}) {
  begin_epoch();
}

void MeasuredTraining::begin_epoch() {
  task_.begin_epoch(1);
  next_ = 0;
}

void MeasuredTraining::update() {
  clip_by_global_norm(model_.parameters(), 1.0f);
  adam_.step();
}

void MeasuredTraining::step() {
  model_.parameters().zero_gradients();
  task_.forward_backward(next_batch(), {});
  update();
}

}  // namespace unroll::bench
