#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/options.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// Optimizer, clipping and schedule, as set by the flags of `train`.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  std::optional<float> learning_rate;  ///< default: depends on `kind` and `momentum`
  double momentum = 0;                 ///< sgd
  bool nesterov = false;               ///< sgd with momentum
  std::optional<double> weight_decay;  ///< adamw; default: that of AdamWOptions
  std::optional<float> clip;  ///< maximum global norm of a gradient, 0: unlimited; default: 1 unless clip_value is set
  float clip_value = 0;       ///< maximum magnitude of a gradient element; 0: unlimited
  ScheduleKind schedule = ScheduleKind::constant;
  std::int64_t warmup = 0;                  ///< updates
  std::optional<double> minimum;            ///< cosine, plateau: lowest rate, as a share of `learning_rate`
  std::optional<double> decay;              ///< step, plateau: factor on the rate
  std::optional<std::int64_t> decay_every;  ///< step: epochs; default: a third of all
  std::optional<std::int64_t> patience;     ///< plateau: epochs
};

SettingGroup optimizer_settings(OptimizerOptions& options);

/// Throws Error for settings that have no effect in combination with the others.
void check_conflicts(const OptimizerOptions& options);
/// Throws Error for a schedule that has no effect within this run.
void check_length(const OptimizerOptions& options, const PlannedRun& run);
/// Sets the options that are not given, depending on the number of epochs.
void fill_defaults(OptimizerOptions& options, std::int64_t epochs);

// The options of these functions must have been through fill_defaults().
/// "adam rate 0.005, warm-up of 100 updates, cosine to 0, clip 1"
std::string description(const OptimizerOptions& options);
ScheduleOptions schedule_of(const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, Parameters& parameters);

/// Number of values that the optimizer keeps per parameter.
int moments_of(const OptimizerOptions& options);

}  // namespace unroll::cli
