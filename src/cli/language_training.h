#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cli/kept_settings.h"
#include "cli/progress.h"
#include "cli/stop_signals.h"
#include "cli/training_texts.h"
#include "run/run_directory.h"
#include "train/checkpoint.h"
#include "unroll/communicator.h"
#include "unroll/language_task.h"
#include "unroll/training_run.h"

namespace unroll::cli {

/// The training of `unroll train` in one process: a TrainingRun on a text, with the program's output and signals. Of
/// several ranks, only rank 0 produces output and files.
class LanguageTraining {
 public:
  /// Takes complete options; keeps references to all arguments. Throws Error if the text or the optimizer does not fit
  /// the options, or if this process may not use as much memory.
  LanguageTraining(const TrainOptions& options, const GivenSettings& given, const TrainingTexts& texts,
                   RunDirectory& directory, Communicator& ranks);

  /// Starts with the weights of another model, whose symbols must come first in the vocabulary.
  void begin_with(const LanguageModel& model) { model_.copy_weights_from(model); }
  TrainingRun& run() { return *run_; }

  /// Trains to the end, with reports and checkpoints, and writes the model. Throws StoppedBySignal after a checkpoint
  /// was written, Diverged if rollbacks do not help, and Error(io) if the last save failed.
  void train();
  /// Result text for standard output.
  std::string result_text() const;

 private:
  void keep_standard_input();
  TrainingRunOptions run_options(const GivenSettings& given) const;

  const TrainOptions& options_;
  const TrainingTexts& texts_;
  Communicator& ranks_;
  RunDirectory& directory_;
  std::string model_path_;
  Context context_;
  LanguageModel model_;
  std::shared_ptr<LanguageTask> task_;
  std::unique_ptr<TrainingRun> run_;
  std::optional<StopSignals> signals_;
};

}  // namespace unroll::cli
