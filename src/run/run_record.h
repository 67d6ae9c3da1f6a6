#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "io/event_file.h"
#include "io/run_log.h"
#include "unroll/run_history.h"
#include "unroll/training_run.h"

namespace unroll {

/// Records of a training run in its run directory: log.jsonl (docs/log-file.md) and an event file for
/// TensorBoard. If one cannot be written, `warn` is called, once per file, and training continues: nothing here throws
/// an Error.
class RunRecord {
 public:
  using Warn = std::function<void(const std::string&)>;

  /// `folder`: the run directory, which exists.
  RunRecord(const std::string& folder, Warn warn);
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;

  /// Starts the records of a new training and removes those of an earlier one. `fields`: those of the event start.
  void start(const nlohmann::ordered_json& fields);
  /// Resumes the records after update `update`, with `epochs` epochs in total, and drops those of later updates.
  /// `again`: reports of this update are still pending, so they are dropped too.
  void resume(std::int64_t epoch, std::int64_t update, bool again, std::int64_t epochs, double learning_rate);

  /// True if a report is due: at least 0.1 s (at the end of an epoch) or 10 s (within one) after the last one, and at
  /// least a ten-thousandth of the training time so far. This limits the log for fast epochs and for long runs.
  bool due(bool epoch_ends) const;
  void report(const RunStatus& status, const std::vector<Metric>& metrics);
  void validation(const ValidationReport& report, const std::vector<Metric>& metrics);
  /// Records any other event.
  void event(std::string_view name, const nlohmann::ordered_json& fields) { append(name, fields); }
  /// `epoch`: of the next step; `again`: as in resume().
  void rollback(const Rollback& rollback, std::int64_t epoch, bool again);
  /// Records a checkpoint that took `seconds` to write. Ignored if the last record is less than 0.1 s old, since there
  /// may be a checkpoint after every update.
  void checkpoint(std::int64_t epoch, std::int64_t update, double seconds);
  /// Records the work of a rank since the previous report.
  void rank(std::int64_t epoch, std::int64_t update, int rank, const std::string& host, const RankTiming& pace);
  /// Records the end of training.
  void stop(StopReason reason, std::int64_t epoch, std::int64_t update);
  const RunHistory& history() const { return history_; }

 private:
  void append(std::string_view event, const nlohmann::ordered_json& fields);
  void scalars(std::int64_t update, const std::vector<Metric>& values);

  std::string folder_;
  Warn warn_;
  Warn warn_of_loss_;
  RunLog log_;
  std::optional<EventFile> events_;
  RunHistory history_;  // contents of the log
  double began_ = monotonic_seconds();
  double last_report_ = began_;
  double last_checkpoint_ = 0;
};

}  // namespace unroll
