#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "unroll/communicator.h"
#include "unroll/error.h"
#include "unroll/optimizers.h"
#include "unroll/parameters.h"

namespace unroll {

/// Sum of the losses of `count` symbols (or rows).
struct LossSum {
  double sum = 0;
  std::int64_t count = 0;
};

struct Metric {
  std::string name;
  double value = 0;
};
/// The value of the metric `name`. Throws Error if it is not among them.
double value_of(std::span<const Metric> metrics, std::string_view name);

/// Part `index` of `count` of a batch or of the validation data.
struct Shard {
  int index = 0;
  int count = 1;
};

/// A learning problem for a Trainer: computes loss and gradients of each batch; the Trainer updates the parameters.
class Task {
 public:
  virtual ~Task() = default;
  virtual Parameters& parameters() = 0;
  virtual std::int64_t batches_per_epoch() const = 0;
  virtual void begin_epoch(std::int64_t epoch) = 0;  ///< epochs count from 1
  /// Maximum number of shards of a batch.
  virtual int max_shards() const { return 1; }
  /// Adds the gradient of this shard's part of the mean loss of batch `batch` of the current epoch to the parameters'
  /// gradients; over all shards they sum to the gradient of that mean loss. Returns the shard's loss. One rank computes
  /// all batches of a shard, in order within an epoch; different shards may be up to one step apart.
  virtual LossSum forward_backward(std::int64_t batch, Shard shard) = 0;
  /// True if the task has validation data.
  virtual bool has_validation() const { return false; }
  /// Validation loss of one shard. Must not affect later batches.
  virtual LossSum validation_loss(Shard) { return {}; }
  /// Quantities derived from a mean training loss, for logs: perplexity, say. None by default.
  virtual std::vector<Metric> metrics(double /*mean_loss*/) const { return {}; }
  /// The same for a mean validation loss.
  virtual std::vector<Metric> validation_metrics(double mean_loss) const { return metrics(mean_loss); }
  /// Mean loss of a prediction that gives every outcome the same probability, in nats; nothing if there is none.
  virtual std::optional<double> uniform_loss() const { return {}; }
  /// Visits the state, besides the parameters, that later batches depend on, and the values that identify the task.
  virtual void visit_state(StateVisitor& visitor) = 0;
  /// Collective: gathers on rank 0 the state that visit_state() visits, if it is distributed over the ranks.
  virtual void gather_state(Communicator&, int /*shards*/) {}
};

/// Thrown if training diverges: a number is not finite, or the mean loss of the last 20 updates exceeds 1.5 times the
/// larger of Task::uniform_loss() and the first loss or, if the task has none, the mean of the first 20. The text names
/// the epoch, the step in the epoch, the cause and the advice.
class Diverged : public Error {
 public:
  Diverged(std::int64_t epoch, std::int64_t step, const std::string& cause);
  /// Place and cause: "epoch 2, step 3: the loss is nan"
  const std::string& where() const { return where_; }

 private:
  std::string where_;
};

/// Options of the training loop. A step makes one update of the parameters from the gradients of one or several
/// batches. `update` counts the steps since the beginning of training, `step_in_epoch` those of the current epoch.
/// (`window`, the number T of time steps in a batch, is an option of the task.)
struct TrainerOptions {
  std::int64_t epochs = 100;  ///< passes over the batches
  /// Batches per step, >= 1, whose gradients are averaged; the last step of an epoch takes the remaining ones.
  std::int64_t accumulate = 1;
  /// Parts of each batch, >= 1, whose gradients are summed by a fixed binary tree: the bits are the same for any number
  /// of ranks up to `shards`, but depend on `shards`.
  int shards = 1;
  float clip_norm = 0;   ///< maximum global norm of the gradients, >= 0; 0: no clipping
  float clip_value = 0;  ///< maximum magnitude of a gradient element, >= 0; 0: no clipping; not with clip_norm
  /// Of the learning rate; plateau observes each validation loss or, without validation data, the training loss of each
  /// epoch.
  ScheduleOptions schedule = {};
  /// Updates from one validation to the next, >= 0, with one more at the end of the last epoch; 0: at the end of each
  /// epoch.
  std::int64_t validate_every = 0;
  /// Consecutive validations without a new lowest loss after which training ends, >= 0; 0: no early stopping.
  std::int64_t patience = 0;
};

/// Report of one step.
struct StepReport {
  std::int64_t epoch = 0;          ///< from 1
  std::int64_t step_in_epoch = 0;  ///< from 1, restarts in each epoch
  std::int64_t update = 0;         ///< from 1, since the beginning of training
  double loss = 0;                 ///< mean over the symbols of the step, before its update, in nats
  double epoch_loss = 0;           ///< mean over the symbols of the epoch so far, each before its update, in nats
  double gradient_norm = 0;        ///< before clipping
  double learning_rate = 0;
  double epoch_seconds = 0;  ///< time of the epoch's steps so far, without callbacks
  double epoch_symbols_per_second = 0;
};

/// Report of one validation.
struct ValidationReport {
  std::int64_t epoch = 0;   ///< of the last step
  std::int64_t update = 0;  ///< number of updates made so far
  double loss = 0;          ///< mean in nats
  bool best = false;        ///< true if `loss` is the lowest so far
};

/// Report of one finished epoch.
struct EpochReport {
  std::int64_t epoch = 0;
  double loss = 0;           ///< mean over the symbols of the epoch, each before its update, in nats
  double perplexity = 0;     ///< exp(loss)
  double gradient_norm = 0;  ///< of the last step, before clipping
  double seconds = 0;        ///< time of the epoch's steps, without callbacks
  double symbols_per_second = 0;
};

/// Work and time of one rank so far.
struct RankTiming {
  std::int64_t symbols = 0;  ///< trained on by this rank
  double working = 0;        ///< seconds spent on computing gradients
  double waiting = 0;        ///< seconds spent waiting for the slowest rank's gradients
  double exchanging = 0;     ///< seconds spent on exchanging gradients between ranks
};

/// The training loop for any task: gradients, clipping, update. Before each update the learning rate is set to the full
/// rate times the schedule's factor. Collective: every rank must construct the Trainer with the same arguments and make
/// the same calls; each rank computes the gradients of its shards. All ranks end each step with equal parameters.
class Trainer {
 public:
  /// Keeps references to task, optimizer, ranks. Throws Error for options out of range and more ranks than shards.
  Trainer(Task& task, Optimizer& optimizer, const TrainerOptions& options, Communicator& ranks = single_process());
  ~Trainer();
  // Callbacks are called in the order in which they were added.
  void on_step(std::function<void(const StepReport&)> callback);
  void on_validation(std::function<void(const ValidationReport&)> callback);
  void on_epoch(std::function<void(const EpochReport&)> callback);
  /// Trains until the last epoch ends, patience runs out or training is stopped. Starts at the beginning, where the
  /// last run() stopped, or at the restored checkpoint. Throws Diverged, with epoch and step, if the loss explodes or
  /// if it, the gradient norm or the validation loss is not finite. The parameters are then those before that step or,
  /// for the validation loss, those it was computed with.
  void run();
  /// Makes run() return after the current step or, in on_epoch, after that epoch. Call it in a callback, on all ranks.
  void stop();
  /// `asked` is polled on every rank in each step; all ranks stop training after the step in which one returns true.
  void stop_when(std::function<bool()> asked);
  bool finished() const;
  bool out_of_patience() const;

  /// Restarts the count of validations without a new lowest loss.
  void reset_patience();
  /// True if a validation or epoch report is pending.
  bool has_pending_report() const;

  std::int64_t steps_per_epoch() const;
  /// Steps for `batches` batches, `accumulate` >= 1 per step.
  static std::int64_t steps_per_epoch(std::int64_t batches, std::int64_t accumulate) {
    return batches / accumulate + (batches % accumulate > 0 ? 1 : 0);
  }
  std::int64_t epoch() const;    ///< of the next step, from 1
  std::int64_t updates() const;  ///< number made so far

  /// Throws Diverged, naming the first parameter with a value that is not finite.
  void check_parameters() const;

  /// Full learning rate, without the schedule's factor; initially the optimizer's.
  double learning_rate() const;
  void set_learning_rate(double rate);

  /// The validation with the lowest loss so far; empty before the first one.
  std::optional<ValidationReport> best() const;
  /// The parameters with the lowest validation loss so far; before the first validation, the current ones.
  std::span<const float> best_parameters() const;

  Parameters& parameters() const;
  /// Collective: gathers the state on rank 0. Call it before rank 0 visits or saves the state.
  void gather_state();
  /// RankTiming of each rank, as of the end of its gradient computation in the last step.
  std::vector<RankTiming> timings() const;

  /// Writes the state that later steps depend on to one file, atomically (docs/checkpoint-file.md). Call it in a
  /// callback or between two runs. Throws Error(io).
  void save_checkpoint(const std::string& path);
  /// Restores a checkpoint; training then continues with the same bits as the one that wrote it. Task, optimizer and
  /// options must be equal except for `epochs`, `patience`, the learning rate (taken from the file) and the number of
  /// threads. Throws Error(no_input), and Error(bad_data) that names what is damaged or different; the Trainer is then
  /// unusable.
  void restore_checkpoint(const std::string& path);
  /// Visits the contents of a checkpoint. After a visitor that changes them, call after_restore().
  void visit_state(StateVisitor& visitor);
  void after_restore();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace unroll
