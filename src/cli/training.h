#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "cli/kept_settings.h"
#include "cli/progress.h"
#include "cli/rank_paces.h"
#include "cli/run_directory.h"
#include "cli/run_record.h"
#include "cli/saver.h"
#include "cli/stop_signals.h"
#include "cli/texts.h"
#include "train/checkpoint.h"
#include "train/communicator.h"

namespace unroll::cli {

/// One process of a training run: the trainer, what a person sees of it, and what the run directory keeps of it. Of
/// several ranks, the first one is seen and writes.
class Training {
 public:
  /// Of complete options; keeps references to all. Throws Error for a text or an optimizer that the options do not fit,
  /// and where this process may not use as much memory.
  Training(const TrainOptions& options, const GivenSettings& given, const Texts& texts, RunDirectory& directory,
           Communicator& ranks);

  /// Begins with the weights of another model, whose symbols come first in the vocabulary.
  void begin_with(const LanguageModel& model);
  /// Begins where another process stopped.
  void go_on_from(const StoredCheckpoint& checkpoint);
  /// After that: training goes elsewhere from here on than it would have gone. It never returns to what was before, and
  /// is patient anew where it is to be longer.
  void take_another_course(bool longer);

  /// Trains to the end, with what is said and kept meanwhile, and writes the model. Throws StoppedBySignal after a
  /// checkpoint was written, Diverged where going back did not help, and Error(io) where the last save failed.
  void run();
  double learning_rate() const { return trainer_.learning_rate(); }
  void set_learning_rate(double rate) { trainer_.set_learning_rate(rate); }
  /// The result for standard output.
  std::string outcome() const;

 private:
  bool leads() const { return ranks_.rank() == 0; }
  void check_ranks() const;
  void occupy_directory();
  void connect();
  void show(const StepReport& report);
  void record_status();
  void record_stop(StopReason reason);
  void begin();
  void go_on();
  void train();
  void roll_back(const Diverged& divergence);
  [[noreturn]] void stop();
  bool validates() const { return task_.has_held_out(); }
  std::map<std::string, std::string> about() const;

  const TrainOptions& options_;
  const Texts& texts_;
  RunDirectory& directory_;
  Communicator& ranks_;
  Context context_;
  LanguageModel model_;
  LanguageTask task_;
  std::unique_ptr<Optimizer> optimizer_;
  Trainer trainer_;
  Progress progress_;
  std::optional<RankPaces> paces_;
  std::optional<RunRecord> record_;  // rank 0 has one
  std::optional<Saver> saver_;
  std::optional<StopSignals> signals_;
  std::map<std::string, std::string> fixed_about_;  // what all checkpoints of this run say
  std::string settings_of_all_;                     // which the ranks must have alike
  std::int64_t rollbacks_ = 0;
  std::int64_t origin_ = 0;  // the update from which on training has had these settings
  bool goes_on_ = false, other_course_ = false;
};

}  // namespace unroll::cli
