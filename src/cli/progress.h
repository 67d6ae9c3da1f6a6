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
#include "unroll/trainer.h"

namespace unroll::cli {

struct ProgressOptions {
  std::int64_t epochs = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t report_every = 1;  ///< epochs
  bool validates_within_epochs = false;
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
  /// Training goes on after so many updates: what kept() of an earlier process said.
  void go_on(std::int64_t updates, const nlohmann::ordered_json& kept);
  void step_done(const StepReport& report);
  void validated(const ValidationResult& result);
  /// True where the epoch was reported; say_continuations() comes next.
  bool epoch_done(const Report& report);
  /// How each prefix goes on.
  void say_continuations();

  /// After the last step.
  const TrainingStatus& status() const { return status_; }
  const Report& last() const { return last_; }  ///< of the epoch that ended last
  double seconds() const { return seconds_; }   ///< spent on steps of the epochs that ended
  /// What another process needs to go on with these numbers.
  nlohmann::ordered_json kept() const;

 private:
  void show();
  void say_expectation();
  double seconds_left() const;

  const LanguageModel& model_;
  ProgressOptions options_;
  LiveLine live_;
  Report last_;
  double seconds_ = 0;
  TrainingStatus status_;                       // its loss and what follows from it: of the epoch so far
  std::optional<ValidationResult> validation_;  // of this epoch
  // Time left is told from the steps that this process took, and from all that happened meanwhile.
  double began_ = monotonic_seconds();
  std::int64_t steps_taken_ = 0;
  bool expectation_said_ = false;
};

}  // namespace unroll::cli
