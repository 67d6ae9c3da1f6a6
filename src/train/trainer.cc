#include "unroll/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/device_memory.h"
#include "base/require.h"
#include "device/device.h"
#include "nn/parameter_memory.h"
#include "train/checkpoint.h"
#include "train/gradient_sum.h"
#include "train/loss_explosion.h"
#include "unroll/error.h"

namespace unroll {

double value_of(std::span<const Metric> metrics, std::string_view name) {
  const auto found = std::ranges::find(metrics, name, &Metric::name);
  if (found == metrics.end()) throw Error(fmt::format("the task has no metric {}", name));
  return found->value;
}

namespace {

/// The number, or "nan" (for either sign), "inf" or "-inf".
std::string name_of(double number) { return std::isnan(number) ? "nan" : fmt::format("{}", number); }

bool all_finite(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); });
}

/// Names the first parameter whose gradient is not finite. Works after clipping too, which leaves such gradients not
/// finite.
std::string first_bad_gradient(const Parameters& parameters) {
  for (const Parameters::Entry& entry : parameters.entries()) {
    if (!all_finite(HostView(parameters.context(), entry.var.gradient().span()).span()))
      return fmt::format("the gradient of {} is not finite", entry.name);
  }
  UNROLL_CHECK(!"the norm of finite gradients, summed in double, is finite");
  return {};
}

/// Visits the state of a component with a prefix before its names.
class PrefixedVisitor final : public StateVisitor {
 public:
  PrefixedVisitor(StateVisitor& whole, std::string_view prefix) : whole_(whole), prefix_(prefix) {}
  void visit(std::string_view name, std::span<float> values) override { whole_.visit(full(name), values); }
  void visit_on_device(std::string_view name, const Context& context, std::span<float> values) override {
    whole_.visit_on_device(full(name), context, values);
  }
  void visit(std::string_view name, std::int64_t& value, std::int64_t low, std::int64_t high) override {
    whole_.visit(full(name), value, low, high);
  }
  void visit(std::string_view name, double& value, double low, double high) override {
    whole_.visit(full(name), value, low, high);
  }
  void check(std::string_view name, double option) override { whole_.check(full(name), option); }

 private:
  std::string full(std::string_view name) const { return prefix_ + std::string(name); }

  StateVisitor& whole_;
  std::string prefix_;
};

/// Checks what the constructor uses in its initializers.
const TrainerOptions& checked(const TrainerOptions& options, Task& task, const Optimizer& optimizer) {
  require_count("accumulate", options.accumulate, 1);
  if (&optimizer.parameters() != &task.parameters()) {
    throw Error("the optimizer updates other parameters than those of the task: make it from task.parameters()");
  }
  if (options.shards < 1 || options.shards > task.max_shards()) {
    throw Error(fmt::format("shards is {}; it must be 1 to {} for this task", options.shards, task.max_shards()));
  }
  return options;
}

double mean(const LossSum& loss) { return loss.sum / static_cast<double>(loss.count); }

}  // namespace

Diverged::Diverged(std::int64_t epoch, std::int64_t step, const std::string& cause)
    : Error(ExitCode::diverged,
            fmt::format("training diverged in epoch {}, step {}: {}; lower the learning rate or clip the gradients",
                        epoch, step, cause)),
      where_(fmt::format("epoch {}, step {}: {}", epoch, step, cause)) {}

struct Trainer::Impl {
  Impl(Task& task, Optimizer& optimizer, const TrainerOptions& options, Communicator& ranks);

  struct Step {
    LossSum loss;
    double gradient_norm = 0;
    double seconds = 0;
  };

  void run();
  bool finished() const { return epoch_ > options_.epochs || out_of_patience(); }
  bool out_of_patience() const { return options_.patience > 0 && validations_without_gain_ >= options_.patience; }
  std::int64_t steps_per_epoch() const {
    return Trainer::steps_per_epoch(task_.batches_per_epoch(), options_.accumulate);
  }
  std::int64_t updates() const { return (epoch_ - 1) * steps_per_epoch() + step_; }
  void check_parameters() const;
  void visit_state(StateVisitor& visitor);

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
  std::unique_ptr<LossExplosion> explosion_;
  Schedule schedule_;
  double full_rate_;
  std::int64_t epoch_ = 1, step_ = 0;  // of the next step; step_ counts from 0
  LossSum total_;                      // of the current epoch so far
  Step last_;
  double seconds_ = 0;                         // time of the current epoch's steps
  std::int64_t validated_ = 0;                 // updates made before the last validation
  std::int64_t validations_without_gain_ = 0;  // validations since the best one
  ValidationReport best_;                      // its update is 0 before the first validation
  std::vector<float> best_parameters_;
  std::vector<float> current_parameters_;  // for best_parameters(), where the host cannot read them
  bool stopping_ = false;
  std::vector<std::function<void(const StepReport&)>> on_step_;
  std::vector<std::function<void(const ValidationReport&)>> on_validation_;
  std::vector<std::function<void(const EpochReport&)>> on_epoch_;
};

Trainer::Impl::Impl(Task& task, Optimizer& optimizer, const TrainerOptions& options, Communicator& ranks)
    : task_(task),
      optimizer_(optimizer),
      options_(checked(options, task, optimizer)),
      ranks_(ranks),
      gradients_(std::make_unique<GradientSum>(task, ranks, options.shards)),
      explosion_(std::make_unique<LossExplosion>(task.uniform_loss())),
      schedule_(options.schedule,
                {options.epochs, Trainer::steps_per_epoch(task.batches_per_epoch(), options.accumulate)}),
      full_rate_(optimizer.learning_rate()) {
  if (!(options.clip_norm >= 0 && std::isfinite(options.clip_norm))) {
    throw Error(fmt::format("clip_norm is {}; it must be a finite number of at least 0", options.clip_norm));
  }
  if (!(options.clip_value >= 0 && std::isfinite(options.clip_value))) {
    throw Error(fmt::format("clip_value is {}; it must be a finite number of at least 0", options.clip_value));
  }
  if (options.clip_norm > 0 && options.clip_value > 0) {
    throw Error(
        fmt::format("clip_norm is {} and clip_value {}: one of them must be 0", options.clip_norm, options.clip_value));
  }
  require_count("validate_every", options.validate_every, 0);
  require_count("patience", options.patience, 0);
  if (task.has_validation()) {
    best_parameters_.resize(static_cast<std::size_t>(task.parameters().size()));
  } else if (options.validate_every > 0 || options.patience > 0) {
    throw Error("validate_every and patience ask for held-out data, and the task has none: give it some");
  }
}

LossSum Trainer::Impl::gradients_of_step() {
  const std::int64_t first = step_ * options_.accumulate;
  const std::int64_t batches = std::min(options_.accumulate, task_.batches_per_epoch() - first);
  const LossSum loss = gradients_->sum_batches(first, batches);
  if (batches > 1) {
    Parameters& parameters = task_.parameters();
    Context& context = parameters.context();
    device_of(context).scale(context, 1 / static_cast<float>(batches), gradients_on_device(parameters));
  }
  return loss;
}

/// Gradients, clipping and update of one step, with the time they took.
Trainer::Impl::Step Trainer::Impl::take_step() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  Step done;
  done.loss = gradients_of_step();
  if (!std::isfinite(done.loss.sum)) throw Diverged(epoch_, step_ + 1, "the loss is " + name_of(done.loss.sum));
  if (explosion_->add(mean(done.loss))) {
    throw Diverged(epoch_, step_ + 1,
                   fmt::format("the mean loss of the last 20 updates is {:.4g}, more than 1.5 times that of {}",
                               explosion_->recent_mean(), explosion_->reference_text()));
  }
  Parameters& parameters = task_.parameters();
  done.gradient_norm =
      options_.clip_norm > 0 ? clip_by_global_norm(parameters, options_.clip_norm) : global_norm(parameters);
  if (!std::isfinite(done.gradient_norm)) {
    throw Diverged(epoch_, step_ + 1, first_bad_gradient(parameters));
  }
  if (options_.clip_value > 0) clip_by_value(parameters, options_.clip_value);
  optimizer_.set_learning_rate(full_rate_ * schedule_.factor(updates()));
  optimizer_.step();
  done.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return done;
}

void Trainer::Impl::run() {
  stopping_ = false;
  while (!finished() && !stopping_) {
    task_.begin_epoch(epoch_);
    while (!finished() && !stopping_ && (validation_due() || step_ < steps_per_epoch())) {
      if (validation_due()) {
        validate();
        continue;
      }
      last_ = take_step();
      ++step_;
      total_.sum += last_.loss.sum;
      total_.count += last_.loss.count;
      seconds_ += last_.seconds;
      if (gradients_->stop_requested()) stopping_ = true;
      if (!on_step_.empty()) report_step();
    }
    if (step_ == steps_per_epoch() && !validation_due()) end_epoch();
  }
}

void Trainer::Impl::report_step() const {
  const StepReport report{.epoch = epoch_,
                          .step_in_epoch = step_,
                          .update = updates(),
                          .loss = mean(last_.loss),
                          .epoch_loss = mean(total_),
                          .gradient_norm = last_.gradient_norm,
                          .learning_rate = optimizer_.learning_rate(),
                          .epoch_seconds = seconds_,
                          .epoch_symbols_per_second = static_cast<double>(total_.count) / seconds_};
  for (const auto& callback : on_step_) callback(report);
}

/// A validation is due after every `validate_every` updates and at the end of the last epoch or, if that is 0, at the
/// end of each epoch.
bool Trainer::Impl::validation_due() const {
  if (!task_.has_validation() || step_ == 0 || validated_ == updates()) return false;
  const bool epoch_ends = step_ == steps_per_epoch();
  return options_.validate_every > 0
             ? updates() % options_.validate_every == 0 || (epoch_ends && epoch_ == options_.epochs)
             : epoch_ends;
}

void Trainer::Impl::validate() {
  const double loss = mean(gradients_->validation_loss());
  if (!std::isfinite(loss)) throw Diverged(epoch_, step_, "the held-out loss is " + name_of(loss));
  validated_ = updates();
  const bool best = best_.update == 0 || loss < best_.loss;
  const ValidationReport now{.epoch = epoch_, .update = updates(), .loss = loss, .best = best};
  ++validations_without_gain_;
  if (best) {
    validations_without_gain_ = 0;
    best_ = now;
    std::ranges::copy(HostView(task_.parameters().context(), values_on_device(task_.parameters())).span(),
                      best_parameters_.begin());
  }
  schedule_.observe(loss);
  for (const auto& callback : on_validation_) callback(now);
}

/// Advances to the next epoch before reporting, so that a checkpoint can be written in the callback.
void Trainer::Impl::end_epoch() {
  EpochReport report{.epoch = epoch_, .gradient_norm = last_.gradient_norm, .seconds = seconds_};
  report.loss = mean(total_);
  report.perplexity = std::exp(report.loss);
  report.symbols_per_second = static_cast<double>(total_.count) / seconds_;
  if (!task_.has_validation()) schedule_.observe(report.loss);
  ++epoch_;
  step_ = 0;
  total_ = {};
  seconds_ = 0;
  for (const auto& callback : on_epoch_) callback(report);
}

void Trainer::Impl::check_parameters() const {
  const Parameters& parameters = task_.parameters();
  const Context& context = parameters.context();
  if (all_finite(HostView(context, values_on_device(parameters)).span())) return;
  for (const Parameters::Entry& entry : parameters.entries()) {
    if (all_finite(HostView(context, entry.var.value().span()).span())) continue;
    throw Diverged(epoch_, step_, fmt::format("{} is not finite after it", entry.name));
  }
}

void Trainer::Impl::visit_state(StateVisitor& visitor) {
  constexpr double largest = std::numeric_limits<double>::max();
  visitor.visit("epoch", epoch_, 1, max_count / steps_per_epoch());
  visitor.visit("step", step_, 0, steps_per_epoch());
  std::int64_t accumulate = options_.accumulate;
  visitor.visit("accumulate", accumulate, 1, max_count);
  if (accumulate != options_.accumulate) {
    throw Error(
        ExitCode::bad_data,
        fmt::format("the checkpoint is that of a training with accumulate {}, here it is {}; go on with the same",
                    accumulate, options_.accumulate));
  }
  visitor.check("shards", options_.shards);
  visitor.check("clip_norm", options_.clip_norm);
  visitor.check("clip_value", options_.clip_value);
  visitor.check("validate_every", static_cast<double>(options_.validate_every));
  visitor.visit("epoch_loss", total_.sum, -largest, largest);
  visitor.visit("epoch_symbols", total_.count, step_ > 0 ? 1 : 0, max_count);
  visitor.visit("epoch_seconds", seconds_, 0, largest);
  visitor.visit("gradient_norm", last_.gradient_norm, 0, largest);
  visitor.visit("learning_rate", full_rate_, 0, max_learning_rate);
  PrefixedVisitor losses(visitor, losses_prefix);
  explosion_->visit_state(losses);
  Parameters& parameters = task_.parameters();
  for (const Parameters::Entry& entry : parameters.entries()) {
    const auto size = static_cast<std::size_t>(entry.var.shape().size());
    visitor.visit_on_device("parameters/" + entry.name, parameters.context(),
                            values_on_device(parameters).subspan(static_cast<std::size_t>(entry.offset), size));
  }
  if (task_.has_validation()) {
    visitor.visit("validated", validated_, 0, updates());
    visitor.visit("without_gain", validations_without_gain_, 0, max_count);
    visitor.visit("best/epoch", best_.epoch, 0, epoch_);
    visitor.visit("best/update", best_.update, 0, validated_);
    visitor.visit("best/loss", best_.loss, -largest, largest);
    visitor.visit("best/parameters", best_parameters_);
  }
  PrefixedVisitor task(visitor, "task/"), optimizer(visitor, "optimizer/"), schedule(visitor, "schedule/");
  task_.visit_state(task);
  optimizer_.visit_state(optimizer);
  schedule_.visit_state(schedule);
}

Trainer::Trainer(Task& task, Optimizer& optimizer, const TrainerOptions& options, Communicator& ranks)
    : impl_(std::make_unique<Impl>(task, optimizer, options, ranks)) {}

Trainer::~Trainer() = default;

void Trainer::on_step(std::function<void(const StepReport&)> callback) {
  impl_->on_step_.push_back(std::move(callback));
}
void Trainer::on_validation(std::function<void(const ValidationReport&)> callback) {
  impl_->on_validation_.push_back(std::move(callback));
}
void Trainer::on_epoch(std::function<void(const EpochReport&)> callback) {
  impl_->on_epoch_.push_back(std::move(callback));
}

void Trainer::run() { impl_->run(); }
void Trainer::stop() { impl_->stopping_ = true; }
void Trainer::stop_when(std::function<bool()> asked) { impl_->gradients_->stop_when(std::move(asked)); }
bool Trainer::finished() const { return impl_->finished(); }
bool Trainer::out_of_patience() const { return impl_->out_of_patience(); }
void Trainer::reset_patience() { impl_->validations_without_gain_ = 0; }

bool Trainer::has_pending_report() const {
  return impl_->validation_due() || (impl_->step_ > 0 && impl_->step_ == impl_->steps_per_epoch());
}

std::int64_t Trainer::steps_per_epoch() const { return impl_->steps_per_epoch(); }
std::int64_t Trainer::epoch() const { return impl_->epoch_; }
std::int64_t Trainer::updates() const { return impl_->updates(); }
void Trainer::check_parameters() const { impl_->check_parameters(); }
double Trainer::learning_rate() const { return impl_->full_rate_; }
void Trainer::set_learning_rate(double rate) { impl_->full_rate_ = rate; }

std::optional<ValidationReport> Trainer::best() const {
  return impl_->best_.update > 0 ? std::optional(impl_->best_) : std::nullopt;
}

std::span<const float> Trainer::best_parameters() const {
  if (impl_->best_.update > 0) return impl_->best_parameters_;
  DeviceMemory& memory = memory_of(parameters().context().device());
  const std::span<const float> values = values_on_device(parameters());
  if (memory.is_open_to_host()) return values;
  impl_->current_parameters_.resize(values.size());
  memory.download(values.data(), impl_->current_parameters_);
  return impl_->current_parameters_;
}

Parameters& Trainer::parameters() const { return impl_->task_.parameters(); }
void Trainer::gather_state() { impl_->task_.gather_state(impl_->ranks_, impl_->options_.shards); }
std::vector<RankTiming> Trainer::timings() const { return impl_->gradients_->timings(); }

void Trainer::save_checkpoint(const std::string& path) { Checkpoint::view_of(*this).write(path, {}); }
void Trainer::restore_checkpoint(const std::string& path) { StoredCheckpoint::read(path).restore(*this); }
void Trainer::visit_state(StateVisitor& visitor) { impl_->visit_state(visitor); }

void Trainer::after_restore() {
  impl_->best_.best = impl_->best_.update > 0;
  parameters().updated();
}

}  // namespace unroll
