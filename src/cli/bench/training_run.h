#pragma once

#include <cstdint>

#include "cli/plan.h"
#include "unroll/optimizers.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// A training of that size on symbols by chance, whose steps are timed.
class TrainingRun {
 public:
  TrainingRun(const Workload& workload, int threads);
  TrainingRun(const TrainingRun&) = delete;
  TrainingRun& operator=(const TrainingRun&) = delete;

  Task& task() { return task_; }
  Parameters& parameters() { return model_.parameters(); }
  void begin_epoch();
  std::int64_t next_batch() { return next_++ % task_.batches_per_epoch(); }
  /// Clipping by global norm, and Adam.
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

}  // namespace unroll::cli
