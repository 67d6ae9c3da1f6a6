#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/output.h"
#include "unroll/trainer.h"

namespace unroll::cli {

struct ProgressOptions {
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t report_every = 1;      ///< epochs
  std::vector<std::string> prefixes;  ///< what every report continues
  int sample_length = 50;             ///< new symbols of each
  std::uint64_t seed = 0;             ///< of the continuations
};

/// What a person sees of a training run, on standard error: a line and the continuations of the prefixes per report; on
/// a terminal also a line that shows the progress within the epoch.
class Progress {
 public:
  Progress(const LanguageModel& model, ProgressOptions options) : model_(model), options_(std::move(options)) {}

  /// The continuations before training.
  void begin();
  void step_done(std::int64_t epoch, std::int64_t step, double loss);
  void epoch_done(const Report& report);

  const Report& last() const { return last_; }  ///< of the epoch that ended last
  double seconds() const { return seconds_; }   ///< spent on steps so far

 private:
  void say_continuations();
  std::string time_left(double epochs_done, double seconds) const;

  const LanguageModel& model_;
  ProgressOptions options_;
  LiveLine live_;
  Report last_;
  double seconds_ = 0;
  double epoch_began_ = monotonic_seconds();
  double loss_sum_ = 0;
  std::int64_t steps_done_ = 0;  // of this epoch
};

}  // namespace unroll::cli
