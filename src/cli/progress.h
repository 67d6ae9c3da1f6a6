#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/live_line.h"
#include "cli/run_record.h"
#include "unroll/trainer.h"

namespace unroll::cli {

struct ProgressOptions {
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t symbols_per_step = 0;
  std::int64_t report_every = 1;      ///< epochs
  std::vector<std::string> prefixes;  ///< what every report continues
  int sample_length = 50;             ///< new symbols of each
  std::uint64_t seed = 0;             ///< of the continuations
  /// Told of each continuation: when, prefix, text.
  std::function<void(const TrainingStatus&, const std::string&, const std::string&)> on_sample;
};

/// What a person sees of a training run, on standard error: a line and the continuations of the prefixes per report; on
/// a terminal also a line that shows how training stands.
class Progress {
 public:
  Progress(const LanguageModel& model, ProgressOptions options) : model_(model), options_(std::move(options)) {}

  /// Before training: the continuations.
  void begin();
  /// After step `step` of the epoch, counted from 1; loss per symbol before the update.
  void step_done(std::int64_t epoch, std::int64_t step, double loss, double gradient_norm, double learning_rate);
  /// True where the epoch was reported; say_continuations() comes next.
  bool epoch_done(const Report& report);
  /// How each prefix goes on.
  void say_continuations();

  /// After the last step.
  TrainingStatus status() const;
  const Report& last() const { return last_; }  ///< of the epoch that ended last
  double seconds() const { return seconds_; }   ///< spent on steps of the epochs that ended

 private:
  void show(const TrainingStatus& status);
  double seconds_left(double epochs_done, double seconds) const;

  const LanguageModel& model_;
  ProgressOptions options_;
  LiveLine live_;
  Report last_;
  double seconds_ = 0;
  double epoch_began_ = monotonic_seconds();
  TrainingStatus status_;        // its loss and what follows from it: of the epoch that ended last
  double loss_sum_ = 0;          // of the steps of this epoch
  std::int64_t steps_done_ = 0;  // of this epoch; 0 between epochs
};

}  // namespace unroll::cli
