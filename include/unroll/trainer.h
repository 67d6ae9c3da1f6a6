#pragma once

#include <cstdint>
#include <functional>
#include <string>

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

/// What a Trainer trains: it knows how to turn a step's number into gradients, and nothing of how they are used.
class Task {
 public:
  virtual ~Task() = default;
  virtual Parameters& parameters() = 0;
  virtual std::int64_t steps_per_epoch() const = 0;
  virtual void begin_epoch(std::int64_t epoch) = 0;  ///< epochs count from 1
  /// Sets the gradients of the mean loss of step `step` of the epoch that was begun.
  virtual LossSum forward_backward(std::int64_t step) = 0;
  /// Everything that later steps depend on besides the parameters, and what tells this task from another one.
  virtual void visit_state(StateVisitor& visitor) = 0;
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

/// Next-symbol prediction on a corpus. Keeps references to model and corpus.
class LanguageTask final : public Task {
 public:
  /// Throws Error where the corpus is too short for one batch, or in the indices of another vocabulary than the
  /// model's.
  LanguageTask(LanguageModel& model, const Corpus& corpus, const LanguageTaskOptions& options);
  Parameters& parameters() override { return model_.parameters(); }
  std::int64_t steps_per_epoch() const override { return windows_.batches(); }
  void begin_epoch(std::int64_t epoch) override;
  LossSum forward_backward(std::int64_t step) override;
  /// Throws Error(bad_data) where another text, or another way to cut it, is put back.
  void visit_state(StateVisitor& visitor) override;

 private:
  LanguageModel& model_;
  std::int64_t fingerprint_;  // of the corpus
  LanguageTaskOptions options_;
  Windows windows_;
  Batch batch_;  // that of the last step
  RecurrentState state_;
  std::int64_t epoch_ = 0;
};

struct TrainerOptions {
  std::int64_t epochs = 100;      ///< passes over the windows
  float clip_norm = 0;            ///< >= 0: clip gradients by their global norm; 0 does not clip
  float clip_value = 0;           ///< >= 0: clip each element of the gradients; 0 does not clip. Not both.
  ScheduleOptions schedule = {};  ///< of the learning rate; plateau looks at the loss of each epoch
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

/// The training loop: gradients, clipping, update; the same for every task. Before each update it sets the learning
/// rate: what the optimizer's was when the trainer was made, times the schedule's factor.
class Trainer {
 public:
  /// Keeps references to task and optimizer. Throws Error for options out of range.
  Trainer(Task& task, Optimizer& optimizer, const TrainerOptions& options);
  void on_epoch(std::function<void(const Report&)> callback) { on_epoch_ = std::move(callback); }
  /// Called after each step with (epoch, step, both counted from 1; loss per symbol before the update; gradient norm
  /// before clipping).
  using OnStep = std::function<void(std::int64_t epoch, std::int64_t step, double loss, double gradient_norm)>;
  void on_step(OnStep callback) { on_step_ = std::move(callback); }
  /// Trains until the last epoch has ended or stop() was called, from where training stands: at the beginning, where
  /// the last run() stopped, or where a checkpoint was written. Throws Error(diverged) that names epoch and step where
  /// the loss or the gradient norm is not finite; the parameters are then those before that step.
  void run();
  /// From a callback: run() returns after this step, or this epoch.
  void stop() { stopping_ = true; }
  bool finished() const { return epoch_ > options_.epochs; }

  /// Writes all that later steps depend on into one file (docs/checkpoint-file.md), whole or not at all. From a
  /// callback or between two runs. Throws Error(io).
  void save_checkpoint(const std::string& path);
  /// Makes this training the one that wrote the file, which goes on to the same bits: task, optimizer and options must
  /// be made alike, but for `epochs`, the learning rate (that of the file counts) and the number of threads. Throws
  /// Error(no_input), and Error(bad_data) that names what is damaged or different; this training is then of no use any
  /// more.
  void restore_checkpoint(const std::string& path);
  /// The list of what a checkpoint holds.
  void visit_state(StateVisitor& visitor);

 private:
  struct Step {
    LossSum loss;
    double gradient_norm = 0;
    double seconds = 0;
  };
  Step take_step();
  void end_epoch();

  Task& task_;
  Optimizer& optimizer_;
  TrainerOptions options_;
  Schedule schedule_;
  double full_rate_;
  std::int64_t epoch_ = 1, step_ = 0;  // where training stands: the step that comes next
  LossSum total_;                      // of this epoch so far
  Step last_;
  double seconds_ = 0;  // spent on this epoch's steps
  bool stopping_ = false;
  std::function<void(const Report&)> on_epoch_;
  OnStep on_step_;
};

}  // namespace unroll
