#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "cli/curve_file.h"
#include "cli/run_history.h"
#include "io/event_file.h"
#include "io/run_log.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// Status of training after an update. The loss is the mean in nats over the epoch so far, of each batch before its
/// update.
struct TrainingStatus {
  std::int64_t epoch = 0;   ///< from 1
  std::int64_t update = 0;  ///< updates since training began, in all epochs
  double loss = 0;
  double perplexity = 0;     ///< exp(loss)
  double gradient_norm = 0;  ///< of the last update, before clipping
  double learning_rate = 0;  ///< of the last update
  double symbols_per_second = 0;
  double seconds = 0;  ///< of training so far
};

/// Result of a validation.
struct ValidationResult {
  std::int64_t epoch = 0;
  std::int64_t update = 0;
  double loss = 0;             ///< mean in nats per symbol
  double bits_per_symbol = 0;  ///< loss / ln 2
  double bits_per_byte = 0;    ///< of the text's UTF-8
  bool best = false;           ///< the lowest so far
};

enum class StopReason { finished, stopped, diverged, failed };

/// Records of a training run in its run directory: log.jsonl (docs/log-file.md), an event file for TensorBoard and
/// curve.svg. If one cannot be written, a warning is logged, once per file, and training continues: nothing here throws
/// an Error.
class RunRecord {
 public:
  /// `folder`: the run directory, which exists.
  explicit RunRecord(const std::string& folder);
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;
  /// Records a failure if training was started and stop() was not called.
  ~RunRecord();

  /// Starts the records of a new training and removes those of an earlier one. `fields`: those of the event start.
  void start(const nlohmann::ordered_json& fields);
  /// Resumes the records after update `update`, with `epochs` epochs in total, and drops those of later updates.
  /// `again`: reports of this update are still pending, so they are dropped too.
  void resume(std::int64_t epoch, std::int64_t update, bool again, std::int64_t epochs, double learning_rate);

  /// True if a report is due: at least 0.1 s (at the end of an epoch) or 10 s (within one) after the last one, and at
  /// least a ten-thousandth of the training time so far. This limits the log for fast epochs and for long runs.
  bool due(bool epoch_ends) const;
  void report(const TrainingStatus& status);
  void validation(const ValidationResult& result);
  /// `text` begins with the prefix.
  void sample(std::int64_t epoch, std::int64_t update, const std::string& prefix, const std::string& text);
  /// Records the rollback number `attempt`, to update `update`, because of `what`.
  /// `again`: as in resume().
  void rollback(std::int64_t epoch, std::int64_t update, bool again, const std::string& what, double learning_rate,
                int attempt);
  /// Records a checkpoint that took `seconds` to write. Ignored if the last record is less than 0.1 s old, since there
  /// may be a checkpoint after every update.
  void checkpoint(std::int64_t epoch, std::int64_t update, double seconds);
  /// Records the work of a rank since the previous report.
  void rank(std::int64_t epoch, std::int64_t update, int rank, const std::string& host, const RankTiming& pace);
  /// Records the end of training; draws the curve and returns when it is written.
  void stop(StopReason reason, std::int64_t epoch, std::int64_t update);

 private:
  void append(const char* event, const nlohmann::ordered_json& fields);
  void scalars(std::int64_t update, std::initializer_list<std::pair<const char*, double>> values);

  std::string folder_;
  RunLog log_;
  std::optional<EventFile> events_;
  CurveFile curve_;
  NamedRun run_;  // contents of the log
  bool running_ = false;
  double began_ = monotonic_seconds();
  double last_report_ = began_;
  double last_checkpoint_ = 0;
  std::int64_t epoch_ = 0;  // of the last report
};

}  // namespace unroll::cli
