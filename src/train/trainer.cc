#include "unroll/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/check.h"
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
Trainer::Step Trainer::take_step(std::int64_t epoch, std::int64_t step) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  Step done;
  done.loss = task_.forward_backward(step);
  if (!std::isfinite(done.loss.sum)) diverged(epoch, step, fmt::format("the loss is {}", done.loss.sum));
  Parameters& parameters = task_.parameters();
  done.gradient_norm =
      options_.clip_norm > 0 ? clip_by_global_norm(parameters, options_.clip_norm) : global_norm(parameters);
  if (!std::isfinite(done.gradient_norm)) {
    diverged(epoch, step, culprit(parameters));
  }
  if (options_.clip_value > 0) clip_by_value(parameters, options_.clip_value);
  optimizer_.set_learning_rate(full_rate_ * schedule_.factor((epoch - 1) * task_.steps_per_epoch() + step));
  optimizer_.step();
  done.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return done;
}

void Trainer::run() {
  for (std::int64_t epoch = 1; epoch <= options_.epochs; ++epoch) {
    task_.begin_epoch(epoch);
    Report report{.epoch = epoch};
    LossSum total;
    for (std::int64_t step = 0; step < task_.steps_per_epoch(); ++step) {
      const Step done = take_step(epoch, step);
      total.sum += done.loss.sum;
      total.count += done.loss.count;
      report.gradient_norm = done.gradient_norm;
      report.seconds += done.seconds;
      if (on_step_) on_step_(epoch, step + 1, done.loss.sum / static_cast<double>(done.loss.count), done.gradient_norm);
    }
    report.loss = total.sum / static_cast<double>(total.count);
    report.perplexity = std::exp(report.loss);
    report.symbols_per_second = static_cast<double>(total.count) / report.seconds;
    schedule_.observe(report.loss);
    if (on_epoch_) on_epoch_(report);
  }
}

}  // namespace unroll
