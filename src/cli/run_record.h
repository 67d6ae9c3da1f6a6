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

/// How training stands after an update. Losses are means in nats over the epoch so far, each batch before its update.
struct TrainingStatus {
  std::int64_t epoch = 0;  ///< from 1
  std::int64_t step = 0;   ///< updates since training began, in all epochs
  double loss = 0;
  double perplexity = 0;     ///< exp(loss)
  double gradient_norm = 0;  ///< of the last step, before clipping
  double learning_rate = 0;  ///< of the last step
  double symbols_per_second = 0;
  double seconds = 0;  ///< of training so far
};

/// A loss on held-out text.
struct ValidationResult {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  double loss = 0;             ///< mean in nats per symbol
  double bits_per_symbol = 0;  ///< loss / ln 2
  double bits_per_byte = 0;    ///< of the text's UTF-8
  bool best = false;           ///< the lowest so far
};

enum class StopReason { finished, stopped, diverged, failed };

/// What a run directory keeps of a training run beside the model: log.jsonl (docs/log-file.md), an event file for
/// TensorBoard and curve.svg. A record that cannot be kept is a warning on standard error, once for each file, and
/// never ends the training: nothing here throws an Error.
class RunRecord {
 public:
  /// `folder`: the run directory, which exists.
  explicit RunRecord(const std::string& folder);
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;
  /// Where training began and nobody said how it ended, it failed.
  ~RunRecord();

  /// A training begins: what an earlier one left of these files goes away. `fields`: those of the event start.
  void start(const nlohmann::ordered_json& fields);
  /// A training goes on after global step `step`, for so many epochs in all: what was recorded of later steps goes
  /// away; reports of this step too where they come `again`, since they are still to come.
  void resume(std::int64_t epoch, std::int64_t step, bool again, std::int64_t epochs, double learning_rate);

  /// True where it is time for a report: not sooner after the last one than a tenth of a second (where an epoch ends)
  /// or ten seconds (within one), and a ten-thousandth of the training so far. So neither a fast epoch nor four days
  /// make the log long.
  bool due(bool epoch_ends) const;
  void report(const TrainingStatus& status);
  void validation(const ValidationResult& result);
  /// `text` begins with the prefix.
  void sample(std::int64_t epoch, std::int64_t step, const std::string& prefix, const std::string& text);
  /// Training goes back to global step `step`, for the `attempt`th time, because of `what`.
  /// `again`: as of resume().
  void rollback(std::int64_t epoch, std::int64_t step, bool again, const std::string& what, double learning_rate,
                int attempt);
  /// A checkpoint that took so many seconds to write. Passed over where the last one is less than a tenth of a second
  /// old: they may be written after every update.
  void checkpoint(std::int64_t epoch, std::int64_t step, double seconds);
  /// What a rank has done since the report before.
  void rank(std::int64_t epoch, std::int64_t step, int rank, const std::string& host, const Pace& pace);
  /// The last thing to say; draws the curve and returns when it is there.
  void stop(StopReason reason, std::int64_t epoch, std::int64_t step);

 private:
  void append(const char* event, const nlohmann::ordered_json& fields);
  void scalars(std::int64_t step, std::initializer_list<std::pair<const char*, double>> values);

  std::string folder_;
  RunLog log_;
  std::optional<EventFile> events_;
  CurveFile curve_;
  NamedRun run_;  // what the log says
  bool going_on_ = false;
  double began_ = monotonic_seconds();
  double last_report_ = began_;
  double last_checkpoint_ = 0;
  std::int64_t epoch_ = 0;  // of the last report
};

}  // namespace unroll::cli
