#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "cli/options.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// How gradients become updates, as the flags of `train` say it.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  std::optional<float> learning_rate;  ///< else one that suits `kind` and `momentum`
  double momentum = 0;                 ///< sgd
  bool nesterov = false;               ///< sgd with momentum
  std::optional<double> weight_decay;  ///< adamw; else AdamWOptions'
  std::optional<float> clip;  ///< the largest global norm of a gradient, 0: any; else 1 unless clip_value is set
  float clip_value = 0;       ///< the largest element of a gradient; 0: any
  ScheduleKind schedule = ScheduleKind::constant;
  std::int64_t warmup = 0;                  ///< updates
  std::optional<double> minimum;            ///< cosine, plateau: share of the rate
  std::optional<double> decay;              ///< step, plateau
  std::optional<std::int64_t> decay_every;  ///< step: epochs; else a third of all
  std::optional<std::int64_t> patience;     ///< plateau: epochs
};

SettingGroup optimizer_settings(OptimizerOptions& options);

/// Throws Error for settings that would have no effect beside the others,
void check_together(const OptimizerOptions& options);
/// and for a schedule that would have none within this run.
void check_length(const OptimizerOptions& options, const PlannedRun& run);
/// What the settings leave open, once the number of epochs is known.
void complete(OptimizerOptions& options, std::int64_t epochs);

// Of complete options:
/// "adam rate 0.005, warm-up of 100 updates, cosine to 0, clip 1"
std::string description(const OptimizerOptions& options);
ScheduleOptions schedule_of(const OptimizerOptions& options);
std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& options, Parameters& parameters);

/// How many numbers the optimizer keeps for each parameter.
int moments_of(const OptimizerOptions& options);

}  // namespace unroll::cli
