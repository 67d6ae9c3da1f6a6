#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/checkpoint_writer.h"
#include "cli/kept_settings.h"
#include "cli/progress.h"
#include "cli/rank_paces.h"
#include "cli/run_directory.h"
#include "cli/run_record.h"
#include "cli/stop_signals.h"
#include "cli/training_texts.h"
#include "train/checkpoint.h"
#include "unroll/communicator.h"

namespace unroll::cli {

/// A training run in one process: the trainer, its progress output and its records in the run directory. Only rank 0
/// logs and writes.
class TrainingRun {
 public:
  /// `options` must have been through fill_defaults(). Keeps references to all arguments but `given`. Throws Error if
  /// the options do not fit the text or the optimizer, or need more memory than this process may use.
  TrainingRun(const TrainOptions& options, const GivenSettings& given, const TrainingTexts& texts,
              RunDirectory& directory, Communicator& ranks);

  /// Starts with the weights of another model, whose symbols come first in the vocabulary.
  void begin_with(const LanguageModel& model);
  /// Resumes from a checkpoint of another process.
  void resume_from(const StoredCheckpoint& checkpoint);
  /// Call after resume_from() if the run no longer follows the original: run() begins with a checkpoint, and earlier
  /// ones are never rolled back to. `longer`: the run was extended, so its patience is reset.
  void branch_here(bool longer);

  /// Trains to the end, logs and records progress, and writes the model. Throws StoppedBySignal after a checkpoint was
  /// written, Diverged if rollbacks did not help, and Error(io) if the last save failed.
  void run();
  double learning_rate() const { return trainer_.learning_rate(); }
  void set_learning_rate(double rate) { trainer_.set_learning_rate(rate); }
  /// The result for standard output.
  std::string result_text() const;

 private:
  bool is_root() const { return ranks_.rank() == 0; }
  void check_ranks() const;
  void lock_directory();
  void connect();
  void show(const StepReport& report);
  void record_status();
  void record_stop(StopReason reason);
  void begin();
  void resume();
  void train();
  void roll_back(const Diverged& divergence);
  [[noreturn]] void stop();
  bool validates() const { return task_.has_validation(); }
  std::map<std::string, std::string> metadata() const;

  const TrainOptions& options_;
  const TrainingTexts& texts_;
  RunDirectory& directory_;
  Communicator& ranks_;
  Context context_;
  LanguageModel model_;
  LanguageTask task_;
  std::unique_ptr<Optimizer> optimizer_;
  Trainer trainer_;
  Progress progress_;
  std::optional<RankPaces> paces_;
  std::optional<RunRecord> record_;  // on rank 0 only
  std::optional<CheckpointWriter> checkpoint_writer_;
  std::optional<StopSignals> signals_;
  std::map<std::string, std::string> fixed_metadata_;  // the same in all checkpoints of this run
  std::string shared_settings_;                        // settings that must be equal on all ranks
  std::int64_t rollbacks_ = 0;
  std::int64_t origin_ = 0;  // update since which training has had these settings
  bool resumed_ = false, branches_ = false;
};

}  // namespace unroll::cli
