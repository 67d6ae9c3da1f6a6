#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "unroll/error.h"
#include "unroll/language_model.h"
#include "unroll/optimizers.h"
#include "unroll/schedules.h"
#include "unroll/windows.h"

namespace unroll {

/// The loss of some symbols (or rows) together.
struct LossSum {
  double sum = 0;
  std::int64_t count = 0;
};

class Communicator;
Communicator& alone();

/// Part `index` of `count` of a batch, or of the held-out data.
struct Slice {
  int index = 0;
  int count = 1;
};

/// What a Trainer trains: it knows how to turn a batch's number into gradients, and nothing of how they are used.
class Task {
 public:
  virtual ~Task() = default;
  virtual Parameters& parameters() = 0;
  virtual std::int64_t batches_per_epoch() const = 0;
  virtual void begin_epoch(std::int64_t epoch) = 0;  ///< epochs count from 1
  /// How many slices a batch can be cut into at most.
  virtual int most_slices() const { return 1; }
  /// Adds what a slice of batch `batch`, of the epoch that was begun, contributes to the gradients of the batch's mean
  /// loss: those of all slices add up to them. Returns the slice's loss. Each slice is asked for by one rank, always
  /// the same, for the batches of an epoch in order; other slices may be ahead by the batches of one step.
  virtual LossSum forward_backward(std::int64_t batch, Slice slice) = 0;
  /// Whether there are data that are not trained on,
  virtual bool has_held_out() const { return false; }
  /// and the loss on a slice of them, which changes nothing that later batches depend on.
  virtual LossSum held_out_loss(Slice) { return {}; }
  /// Everything that later batches depend on besides the parameters, and what tells this task from another one.
  virtual void visit_state(StateVisitor& visitor) = 0;
  /// Brings together on rank 0 what visit_state() shows, where it lies on several ranks. All of them call it.
  virtual void gather_state(Communicator&, int /*slices*/) {}
};

enum class EpochState {
  zero,  ///< consecutive windows: the state is zero at each epoch's start
  carry  ///< the state goes on across epochs
};

struct LanguageTaskOptions {
  WindowKind windows = WindowKind::consecutive;
  int batch = 32;                             ///< B: sequences side by side
  int steps = 35;                             ///< T: symbols per window
  EpochState epoch_state = EpochState::zero;  ///< of consecutive windows; random ones begin with zeros each
};

/// Next-symbol prediction on a corpus. Keeps references to the model, the corpus and the held-out ids.
class LanguageTask final : public Task {
 public:
  /// `held_out`: a text in the same indices that is scored and not trained on, its first symbol only read; empty: none.
  /// Throws Error where the corpus is too short for one batch, the held-out text is a single symbol, or the corpus is
  /// in the indices of another vocabulary than the model's.
  LanguageTask(LanguageModel& model, const Corpus& corpus, const LanguageTaskOptions& options,
               std::span<const std::int32_t> held_out = {});
  Parameters& parameters() override { return model_.parameters(); }
  std::int64_t batches_per_epoch() const override { return windows_.batches(); }
  void begin_epoch(std::int64_t epoch) override;
  int most_slices() const override { return options_.batch; }
  /// A slice is some rows of each batch, with a state of their own that is carried on.
  LossSum forward_backward(std::int64_t batch, Slice slice = {}) override;
  bool has_held_out() const override { return !held_out_.empty(); }
  LossSum held_out_loss(Slice slice = {}) override;
  /// Throws Error(bad_data) where another text, or another way to cut it, is put back.
  void visit_state(StateVisitor& visitor) override;
  void gather_state(Communicator& ranks, int slices) override;

 private:
  BatchRows rows_of(Slice slice) const;
  void cut_state(int slices);

  LanguageModel& model_;
  std::int64_t fingerprint_;  // of the corpus
  LanguageTaskOptions options_;
  Windows windows_;
  std::span<const std::int32_t> held_out_;
  Batch batch_;                         // that of the last step
  std::vector<RecurrentState> states_;  // of each slice; none before the first step
  std::int64_t epoch_ = 0;
};

/// What a training that diverged throws. The text names epoch, step and cause, and what to do.
class Diverged : public Error {
 public:
  Diverged(std::int64_t epoch, std::int64_t step, const std::string& cause);
  /// "epoch 2, step 3: the loss is nan"
  const std::string& where() const { return where_; }

 private:
  std::string where_;
};

/// A training takes steps: one update of the parameters each, from the gradients of one batch or of several.
struct TrainerOptions {
  std::int64_t epochs = 100;    ///< passes over the batches
  std::int64_t accumulate = 1;  ///< batches of a step, >= 1, whose gradients are averaged; an epoch's last step takes
                                ///< those that are left
  int slices = 1;               ///< of each batch, >= 1, whose gradients are added up by a fixed binary tree: the same
                                ///< bits for any number of ranks up to that, other ones than with another number
  float clip_norm = 0;          ///< >= 0: clip gradients by their global norm; 0 does not clip
  float clip_value = 0;         ///< >= 0: clip each element of the gradients; 0 does not clip. Not both.
  ScheduleOptions schedule = {};    ///< of the learning rate; plateau looks at each held-out loss, without one at the
                                    ///< loss of each epoch
  std::int64_t validate_every = 0;  ///< steps from one look at the held-out loss to the next; 0: where an epoch ends
  std::int64_t patience = 0;        ///< held-out losses in a row that are not the lowest, after which training ends; 0:
                                    ///< it goes on
};

/// One step.
struct StepReport {
  std::int64_t epoch = 0;    ///< from 1
  std::int64_t step = 0;     ///< of the epoch, from 1
  std::int64_t update = 0;   ///< of the training, from 1
  double loss = 0;           ///< mean over the step's symbols, before its update, in nats
  double epoch_loss = 0;     ///< the same over the epoch so far
  double gradient_norm = 0;  ///< before clipping
  double learning_rate = 0;
  double epoch_seconds = 0;  ///< spent on the epoch's steps so far, callbacks left out
  double epoch_symbols_per_second = 0;
};

/// A look at the held-out data.
struct Validation {
  std::int64_t epoch = 0;   ///< of the step before it
  std::int64_t update = 0;  ///< of the training, after which it was
  double loss = 0;          ///< mean in nats
  bool best = false;        ///< the lowest so far
};

/// One finished epoch.
struct Report {
  std::int64_t epoch = 0;
  double loss = 0;           ///< mean over the epoch's symbols, each batch before its update, in nats
  double perplexity = 0;     ///< exp(loss)
  double gradient_norm = 0;  ///< of the last step, before clipping
  double seconds = 0;        ///< spent on this epoch's steps, callbacks left out
  double symbols_per_second = 0;
};

/// What one of several ranks did so far.
struct Pace {
  std::int64_t symbols = 0;  ///< that it has trained on
  double working = 0;        ///< seconds spent on their gradients
  double waiting = 0;        ///< seconds from then until the slowest rank had done its work
  double exchanging = 0;     ///< seconds spent on passing gradients to and fro
};

class GradientSum;

/// The training loop: gradients, clipping, update; the same for every task. Before each update it sets the learning
/// rate: the full rate times the schedule's factor. Several ranks that call the same functions of trainers made alike
/// take the same steps together: each works on its slices of a batch, and all have the parameters that come of it.
class Trainer {
 public:
  /// Keeps references to task, optimizer and ranks. Throws Error for options out of range, and for more ranks than
  /// slices.
  Trainer(Task& task, Optimizer& optimizer, const TrainerOptions& options, Communicator& ranks = alone());
  ~Trainer();
  void on_step(std::function<void(const StepReport&)> callback) { on_step_ = std::move(callback); }
  void on_validation(std::function<void(const Validation&)> callback) { on_validation_ = std::move(callback); }
  void on_epoch(std::function<void(const Report&)> callback) { on_epoch_ = std::move(callback); }
  /// Trains until the last epoch has ended, patience is at its end or stop() was called, from where training stands: at
  /// the beginning, where the last run() stopped, or where a checkpoint was written. Throws Diverged that names
  /// epoch and step where the loss, the gradient norm or the held-out loss is not finite; the parameters are then those
  /// before that step.
  void run();
  /// From a callback, of all ranks: run() returns after this step, or this epoch.
  void stop() { stopping_ = true; }
  /// Asked by every rank for itself in each step: where one says yes, run() returns after that step on all of them.
  void stop_where(std::function<bool()> asked);
  bool finished() const { return epoch_ > options_.epochs || out_of_patience(); }
  bool out_of_patience() const { return options_.patience > 0 && without_gain_ >= options_.patience; }

  /// Patience begins anew.
  void reset_patience() { without_gain_ = 0; }
  /// Whether something that belongs to the last step is still to come: a look at the held-out data, the end of its
  /// epoch.
  bool owes_a_report() const { return validation_due() || (step_ > 0 && step_ == steps_per_epoch()); }

  std::int64_t steps_per_epoch() const { return steps_per_epoch(task_.batches_per_epoch(), options_.accumulate); }
  /// Of so many batches, `accumulate` >= 1 to a step.
  static std::int64_t steps_per_epoch(std::int64_t batches, std::int64_t accumulate) {
    return (batches + accumulate - 1) / accumulate;
  }
  std::int64_t epoch() const { return epoch_; }  ///< the one that the next step belongs to, from 1
  std::int64_t updates() const { return (epoch_ - 1) * steps_per_epoch() + step_; }  ///< so far

  /// Throws Diverged that names the first parameter with a value that is not finite.
  void check_parameters() const;

  /// The rate before the schedule's factor; that of the optimizer at first.
  double learning_rate() const { return full_rate_; }
  void set_learning_rate(double rate) { full_rate_ = rate; }

  /// The lowest held-out loss; nothing before the first.
  std::optional<Validation> best() const;
  /// The parameters that training is to leave: those of the lowest held-out loss, else as they are.
  std::span<const float> outcome() const;

  /// Before rank 0 looks at the state: brings together there what lies on several ranks. All of them call it.
  void gather_state() { task_.gather_state(ranks_, options_.slices); }
  /// Of each rank, when it had done its work on the last step.
  std::vector<Pace> paces() const;

  /// Writes all that later steps depend on into one file (docs/checkpoint-file.md), whole or not at all. From a
  /// callback or between two runs. Throws Error(io).
  void save_checkpoint(const std::string& path);
  /// Makes this training the one that wrote the file, which goes on to the same bits: task, optimizer and options must
  /// be made alike, but for `epochs`, `patience`, the learning rate (that of the file counts) and the number of
  /// threads. Throws Error(no_input), and Error(bad_data) that names what is damaged or different; this training is
  /// then of no use any more.
  void restore_checkpoint(const std::string& path);
  /// The list of what a checkpoint holds. After a visitor that changes it, call restored().
  void visit_state(StateVisitor& visitor);
  void restored();

 private:
  struct Step {
    LossSum loss;
    double gradient_norm = 0;
    double seconds = 0;
  };
  Step take_step();
  LossSum gradients_of_step();
  void report_step() const;
  bool validation_due() const;
  void validate();
  void end_epoch();

  Task& task_;
  Optimizer& optimizer_;
  TrainerOptions options_;
  Communicator& ranks_;
  std::unique_ptr<GradientSum> gradients_;
  Schedule schedule_;
  double full_rate_;
  std::int64_t epoch_ = 1, step_ = 0;  // where training stands: the step that comes next
  LossSum total_;                      // of this epoch so far
  Step last_;
  double seconds_ = 0;             // spent on this epoch's steps
  std::int64_t validated_ = 0;     // updates before the last look at the held-out data
  std::int64_t without_gain_ = 0;  // looks since the best one
  Validation best_;                // its update is 0 before the first look
  std::vector<float> best_parameters_;
  bool stopping_ = false;
  std::function<void(const StepReport&)> on_step_;
  std::function<void(const Validation&)> on_validation_;
  std::function<void(const Report&)> on_epoch_;
};

}  // namespace unroll
