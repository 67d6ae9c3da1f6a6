#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/live_line.h"
#include "cli/output.h"
#include "cli/run_record.h"
#include "unroll/language_model.h"
#include "unroll/trainer.h"

namespace unroll::cli {

struct ProgressOptions {
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t report_every = 1;  ///< epochs
  bool validates_within_epochs = false;
  std::vector<std::string> prefixes;  ///< texts that every report continues
  int sample_length = 50;             ///< new symbols per continuation
  std::uint64_t seed = 0;             ///< of the continuations
  /// Called for each continuation: status, prefix, text.
  std::function<void(const TrainingStatus&, const std::string&, const std::string&)> on_sample;
};

/// Progress output of a training run on standard error: per report, a line and the continuations of the prefixes; on a
/// terminal also a status line that is updated.
class Progress {
 public:
  Progress(const LanguageModel& model, ProgressOptions options) : model_(model), options_(std::move(options)) {}

  /// Logs the continuations before training.
  void begin();
  /// Continues after `updates` updates. `kept`: the result of kept() in an earlier process.
  void resume(std::int64_t updates, const nlohmann::ordered_json& kept);
  void step_done(const StepReport& report);
  void validated(const ValidationResult& result);
  /// Returns true if the epoch was reported; log_continuations() must follow.
  bool epoch_done(const EpochReport& report);
  /// Logs a continuation of each prefix.
  void log_continuations();

  /// Status after the last step.
  const TrainingStatus& status() const { return status_; }
  const EpochReport& last() const { return last_; }  ///< of the last finished epoch
  double seconds() const { return seconds_; }        ///< spent on steps of finished epochs
  /// The state that resume() needs in another process.
  nlohmann::ordered_json kept() const;

 private:
  void show();
  void log_time_left();
  double seconds_left() const;

  const LanguageModel& model_;
  ProgressOptions options_;
  LiveLine live_;
  EpochReport last_;
  double seconds_ = 0;
  TrainingStatus status_;                       // its loss and perplexity: of the epoch so far
  std::optional<ValidationResult> validation_;  // of this epoch
  // The time left is estimated from the steps of this process and the whole time since its start.
  double began_ = monotonic_seconds();
  std::int64_t steps_taken_ = 0;
  bool expectation_said_ = false;
};

}  // namespace unroll::cli
