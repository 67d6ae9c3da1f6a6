#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "clock.h"
#include "curve_file.h"
#include "live_line.h"
#include "output.h"
#include "unroll/language_run.h"

namespace unroll::cli {

/// Progress output of a training run on standard error: per report, a line and the continuations of the prefixes; on a
/// terminal also a status line that is updated. Adds the continuations to the log and draws curve.svg.
class Progress final : public RunObserver {
 public:
  /// The run must outlive it. `stops`: true if the run is about to stop; no continuations then.
  Progress(LanguageRun& run, std::function<bool()> stops);

  void on_begin() override;
  void on_resume() override;
  void on_step(const StepReport& report) override;
  void on_report(const RunStatus& status) override;
  void on_validation(const ValidationReport& report) override;
  void on_epoch(const EpochReport& report, bool reported) override;
  void on_rollback(const Rollback& rollback) override;
  void on_slow_rank(const SlowRank& slow) override;
  void on_warning(const std::string& what) override;
  void on_end(StopReason reason) override;

 private:
  void show();
  void log_change_of_rate();
  void log_time_left();
  void log_continuations();
  double seconds_left() const;

  const LanguageRunOptions& options_;
  const LanguageModel& model_;
  const LanguageTask& task_;
  LanguageRun& language_run_;
  TrainingRun& run_;
  std::function<bool()> stops_;
  LiveLine live_;
  CurveFile curve_;
  std::optional<ValidationReport> validation_;  // of this epoch
  // The time left is estimated from the steps of this process and the whole time since its start.
  double began_ = monotonic_seconds();
  std::int64_t steps_taken_ = 0;
  bool expectation_said_ = false;
};

}  // namespace unroll::cli
