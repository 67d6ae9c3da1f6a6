#include "unroll/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.h"
#include "train/checkpoint.h"
#include "unroll/error.h"

namespace unroll {
namespace {

[[noreturn]] void diverged(std::int64_t epoch, std::int64_t step, const std::string& what) {
  throw Error(ExitCode::diverged,
              fmt::format("training diverged in epoch {}, step {}: {}; lower the learning rate or clip the gradients "
                          "(the parameters are those before this step)",
                          epoch, step + 1, what));
}

/// The first parameter whose gradient makes the norm infinite or undefined. Clipping leaves such a gradient one or the
/// other, so this may be asked after it.
std::string culprit(const Parameters& parameters) {
  for (const Parameters::Entry& entry : parameters.entries()) {
    const std::span<const float> gradient = entry.var.gradient().span();
    if (!std::all_of(gradient.begin(), gradient.end(), [](float x) { return std::isfinite(x); })) {
      return fmt::format("the gradient of {} is not finite", entry.name);
    }
  }
  UNROLL_CHECK(!"the norm of finite gradients, summed in double, is finite");
  return {};
}

/// The state of a part, under names of its own.
class Within final : public StateVisitor {
 public:
  Within(StateVisitor& whole, std::string_view prefix) : whole_(whole), prefix_(prefix) {}
  void visit(std::string_view name, std::span<float> values) override { whole_.visit(full(name), values); }
  void visit(std::string_view name, std::int64_t& value) override { whole_.visit(full(name), value); }
  void visit(std::string_view name, double& value) override { whole_.visit(full(name), value); }

 private:
  std::string full(std::string_view name) const { return prefix_ + std::string(name); }

  StateVisitor& whole_;
  std::string prefix_;
};

}  // namespace

Trainer::Trainer(Task& task, Optimizer& optimizer, const TrainerOptions& options)
    : task_(task),
      optimizer_(optimizer),
      options_(options),
      schedule_(options.schedule, {options.epochs, task.steps_per_epoch()}),
      full_rate_(optimizer.learning_rate()) {
  if (!(options.clip_norm >= 0)) throw Error(fmt::format("clip_norm is {}; it must be at least 0", options.clip_norm));
  if (!(options.clip_value >= 0)) {
    throw Error(fmt::format("clip_value is {}; it must be at least 0", options.clip_value));
  }
  if (options.clip_norm > 0 && options.clip_value > 0) {
    throw Error(
        fmt::format("clip_norm is {} and clip_value {}: one of them must be 0", options.clip_norm, options.clip_value));
  }
}

/// Gradients, clipping, update of one step, and how long they took.
Trainer::Step Trainer::take_step() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  Step done;
  done.loss = task_.forward_backward(step_);
  if (!std::isfinite(done.loss.sum)) diverged(epoch_, step_, fmt::format("the loss is {}", done.loss.sum));
  Parameters& parameters = task_.parameters();
  done.gradient_norm =
      options_.clip_norm > 0 ? clip_by_global_norm(parameters, options_.clip_norm) : global_norm(parameters);
  if (!std::isfinite(done.gradient_norm)) {
    diverged(epoch_, step_, culprit(parameters));
  }
  if (options_.clip_value > 0) clip_by_value(parameters, options_.clip_value);
  optimizer_.set_learning_rate(full_rate_ * schedule_.factor((epoch_ - 1) * task_.steps_per_epoch() + step_));
  optimizer_.step();
  done.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return done;
}

void Trainer::run() {
  stopping_ = false;
  while (!finished() && !stopping_) {
    task_.begin_epoch(epoch_);
    while (step_ < task_.steps_per_epoch() && !stopping_) {
      last_ = take_step();
      ++step_;
      total_.sum += last_.loss.sum;
      total_.count += last_.loss.count;
      seconds_ += last_.seconds;
      if (on_step_) {
        on_step_(epoch_, step_, last_.loss.sum / static_cast<double>(last_.loss.count), last_.gradient_norm);
      }
    }
    if (step_ == task_.steps_per_epoch()) end_epoch();
  }
}

/// Reports after the position is that of the next epoch, so that a checkpoint may be written from the callback.
void Trainer::end_epoch() {
  Report report{.epoch = epoch_, .gradient_norm = last_.gradient_norm, .seconds = seconds_};
  report.loss = total_.sum / static_cast<double>(total_.count);
  report.perplexity = std::exp(report.loss);
  report.symbols_per_second = static_cast<double>(total_.count) / seconds_;
  schedule_.observe(report.loss);
  ++epoch_;
  step_ = 0;
  total_ = {};
  seconds_ = 0;
  if (on_epoch_) on_epoch_(report);
}

void Trainer::visit_state(StateVisitor& visitor) {
  visitor.visit("epoch", epoch_);
  visitor.visit("step", step_);
  visitor.visit("epoch_loss", total_.sum);
  visitor.visit("epoch_symbols", total_.count);
  visitor.visit("epoch_seconds", seconds_);
  visitor.visit("gradient_norm", last_.gradient_norm);
  visitor.visit("learning_rate", full_rate_);
  Parameters& parameters = task_.parameters();
  for (const Parameters::Entry& entry : parameters.entries()) {
    const auto size = static_cast<std::size_t>(entry.var.shape().size());
    visitor.visit("parameters/" + entry.name,
                  parameters.values().subspan(static_cast<std::size_t>(entry.offset), size));
  }
  Within task(visitor, "task/"), optimizer(visitor, "optimizer/"), schedule(visitor, "schedule/");
  task_.visit_state(task);
  optimizer_.visit_state(optimizer);
  schedule_.visit_state(schedule);
}

void Trainer::save_checkpoint(const std::string& path) { write_checkpoint(*this, path); }
void Trainer::restore_checkpoint(const std::string& path) {
  read_checkpoint(*this, path);
  task_.parameters().updated();
}

}  // namespace unroll
