#pragma once

#include <cstdint>

#include "language/training_cost.h"
#include "unroll/language_task.h"
#include "unroll/optimizers.h"
#include "unroll/trainer.h"

namespace unroll::bench {

/// A training on random symbols whose steps are timed.
class MeasuredTraining {
 public:
  MeasuredTraining(const Workload& workload, int threads);
  MeasuredTraining(const MeasuredTraining&) = delete;
  MeasuredTraining& operator=(const MeasuredTraining&) = delete;

  Task& task() { return task_; }
  Parameters& parameters() { return model_.parameters(); }
  void begin_epoch();
  std::int64_t next_batch() { return next_++ % task_.batches_per_epoch(); }
  /// Clips by global norm and applies Adam.
  void update();
  void step();

 private:
  Context context_;
  Corpus corpus_;
  LanguageModel model_;
  LanguageTask task_;
  Adam adam_;
  std::int64_t next_ = 0;
};

}  // namespace unroll::bench
