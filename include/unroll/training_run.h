#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unroll/communicator.h"
#include "unroll/optimizers.h"
#include "unroll/run_history.h"
#include "unroll/trainer.h"

namespace unroll {

class RunDirectory;
class StoredCheckpoint;

/// Interval between checkpoints: a number of updates or, if that is 0, of seconds.
struct CheckpointInterval {
  std::int64_t updates = 0;
  double seconds = 0;
  bool operator==(const CheckpointInterval&) const = default;
};
std::string description(const CheckpointInterval& interval);  ///< "500 updates", "5 min"

struct TrainingRunOptions {
  std::string directory = {};  ///< run directory; made if missing, used by one run at a time
  CheckpointInterval checkpoint_every = {.updates = 1000};
  int keep = 2;                    ///< number of newest checkpoints to keep, >= 1
  std::int64_t max_rollbacks = 3;  ///< returns to a checkpoint, with half the learning rate, after divergence
  std::int64_t report_every = 1;   ///< maximum number of epochs between two reports in the log, >= 1
  bool replace = false;            ///< replace the model and the checkpoints of an earlier run
  std::string log_fields = "{}";   ///< a JSON object: further fields of the log's start event
  std::map<std::string, std::string> metadata = {};  ///< further __metadata__ of each checkpoint
  /// Names and values that must be equal on all ranks, such as the fingerprint of the data.
  std::vector<std::pair<std::string, std::string>> equal_on_all_ranks = {};
};

/// Treatment of a checkpoint that the run directory holds.
enum class Resume {
  never,       ///< start a new run; throws Error if there is a model or a checkpoint, unless `replace` is set
  if_present,  ///< resume from the newest checkpoint, or start a new run if there is none
  required     ///< resume from the newest checkpoint; throws Error(no_input) if there is none
};

enum class StopReason { finished, stopped, diverged, failed };

/// State of a run after an update. Losses are means in nats over the current epoch so far, each batch before its
/// update.
struct RunStatus {
  std::int64_t epoch = 0;   ///< from 1
  std::int64_t update = 0;  ///< since the beginning of the run
  double loss = 0;
  double gradient_norm = 0;  ///< of the last update, before clipping
  double learning_rate = 0;  ///< of the last update
  double symbols_per_second = 0;
  double seconds = 0;  ///< of training, observers excluded
};

/// A return to a checkpoint after divergence.
struct Rollback {
  std::string cause;        ///< "epoch 2, step 3: the loss is nan"
  std::int64_t update = 0;  ///< returned to
  double learning_rate = 0;
  int attempt = 0;  ///< from 1
};

/// A rank that repeatedly keeps the others waiting.
struct SlowRank {
  std::size_t rank = 0;
  std::string host;
  double times = 1;    ///< its time per symbol, relative to the median of the others
  double waiting = 0;  ///< fraction of their time that the others wait, on average
};

/// Receives the events of a run, on rank 0 and in the training thread. An exception thrown by an observer ends the run
/// as failed and reaches the caller of TrainingRun::train().
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void on_begin() {}   ///< a new run, before its first step
  virtual void on_resume() {}  ///< after a checkpoint was restored
  virtual void on_step(const StepReport&) {}
  virtual void on_validation(const ValidationReport&) {}
  virtual void on_report(const RunStatus&) {}                      ///< the log has a new report
  virtual void on_epoch(const EpochReport&, bool /*reported*/) {}  ///< `reported`: the log has a report of it
  virtual void on_rollback(const Rollback&) {}
  virtual void on_slow_rank(const SlowRank&) {}  ///< once per rank
  /// A fault that does not end the run, such as a checkpoint or a log that could not be written.
  virtual void on_warning(const std::string&) {}
  virtual void on_end(StopReason) {}
};

/// A training run in a directory: checkpoints, resuming, rollback after divergence, log (docs/log-file.md) and
/// TensorBoard events, over any Task. Resumed anywhere, on any number of threads, it ends with the same bits.
/// Collective: all ranks construct it with equal arguments and make the same calls; rank 0 writes. Installs no signal
/// handler and prints nothing.
class TrainingRun {
 public:
  /// Writes the model with these parameter values, atomically, to `path`. Called from another thread while training
  /// continues: it may read the model's options and vocabulary, but not its parameters.
  using ModelWriter = std::function<void(const std::string& path, std::span<const float> parameters)>;

  /// Throws Error for options out of range.
  TrainingRun(std::shared_ptr<Task> task, std::shared_ptr<Optimizer> optimizer, const TrainerOptions& trainer,
              TrainingRunOptions options, ModelWriter write_model, Communicator& ranks = single_process());
  TrainingRun(const TrainingRun&) = delete;
  TrainingRun& operator=(const TrainingRun&) = delete;
  ~TrainingRun();

  void add_observer(std::shared_ptr<RunObserver> observer);

  /// Trains until the last epoch, until patience runs out or until stop(). Writes a checkpoint and the model then, and
  /// at each interval. Throws Diverged if rollbacks do not help, Error(io) if the last save fails, and Error(usage) if
  /// another run uses the directory. The directory is locked until it returns. A second call continues.
  StopReason train(Resume resume = Resume::if_present);
  /// Finishes the current step (or the next one, if called in a callback), writes a checkpoint, and makes train()
  /// return StopReason::stopped on all ranks. May be called from another thread or a signal handler.
  void stop() noexcept;
  /// Calls `asked` on every rank in each step. A number above 0 on any rank, such as that of a signal, stops all ranks
  /// as stop() does.
  void stop_when(std::function<int()> asked);
  /// The largest of the numbers that stopped the last train(); 0 if there was none.
  int stop_cause() const;

  const RunStatus& status() const;
  const EpochReport& last_epoch() const;  ///< its epoch is 0 before the first one ended
  double seconds() const;                 ///< spent on steps of finished epochs
  std::int64_t rollbacks() const;
  std::string directory() const;
  std::string model_path() const;
  /// Contents of the log so far. On rank 0 only, from train() on; else throws Error.
  const RunHistory& history() const;
  /// Appends an event to the log; `fields` is a JSON object. Epoch and update are added. Rank 0 only, from train() on;
  /// else throws Error.
  void log_event(std::string_view event, const std::string& fields);
  Trainer& trainer();
  const Trainer& trainer() const;

  // For a caller that has read the checkpoint and opened the directory itself, as `unroll train --resume` does.
  void use_directory(RunDirectory& directory);
  /// Treatment of a checkpoint with another number of shards: it leads to other bits from there on.
  enum class OtherShards { refuse, allow };
  void restore(const StoredCheckpoint& checkpoint, OtherShards other_shards = OtherShards::refuse);
  bool resumed() const;
  /// From here on the results differ from those of the original run: a checkpoint is written at once, and rollbacks
  /// never return to before this update. `reset_patience`: validations without gain are counted from 0 again.
  void branch_here(bool reset_patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace unroll
