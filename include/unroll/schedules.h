#pragma once

#include <cstdint>

#include "unroll/options.h"
#include "unroll/state_visitor.h"

namespace unroll {

enum class ScheduleKind {
  constant,
  cosine,  ///< after the warm-up, falls along half a cosine period to `minimum` at the end of the run
  step,    ///< multiplied by `decay` every `decay_every` epochs
  plateau  ///< multiplied by `decay` if the loss has not fallen for more than `patience` evaluations
};
template <>
const EnumNames<ScheduleKind>& enum_names<ScheduleKind>();

/// Options of the learning rate during training.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::constant;
  std::int64_t warmup = 0;  ///< updates, >= 0, over which the rate rises linearly to that of `kind`
  double minimum = 0;       ///< cosine, plateau: lowest rate as a fraction of the full rate, in [0, 1)
  double decay = 0.1;       ///< step, plateau: in (0, 1)
  /// step: epochs, >= 1. In epochs because the number of updates per epoch depends on the length of the text.
  std::int64_t decay_every = 10;
  std::int64_t patience = 3;  ///< plateau: evaluations, >= 0
};

/// The length of a run, over which a schedule is spread.
struct PlannedRun {
  std::int64_t epochs = 0;             ///< >= 0
  std::int64_t updates_per_epoch = 1;  ///< >= 1
};

/// The learning rate of each update as a factor of the full rate: the factor of the warm-up times that of the kind. For
/// update u, counted from 0:
///   warm-up   (u + 1) / (warmup + 1) while u < warmup, then 1
///   cosine    minimum + (1 - minimum) (1 + cos(pi v / (updates - warmup))) / 2 with v = u - warmup, once u > warmup
///             (Loshchilov and Hutter, SGDR, 2017, without restarts)
///   step      decay ^ floor(epoch / decay_every), the epochs of u counted from 0
///   plateau   max(minimum, decay ^ n), n the number of times that the loss stopped falling
/// These are PyTorch's LinearLR, CosineAnnealingLR, StepLR and ReduceLROnPlateau (with its relative threshold 1e-4).
class Schedule {
 public:
  /// Throws Error for options out of range, and if the warm-up is not shorter than the run.
  Schedule(const ScheduleOptions& options, PlannedRun run);
  double factor(std::int64_t update) const;
  /// Reports the loss, >= 0, of an evaluation; the plateau schedule counts it as progress if it is below
  /// best * (1 - 1e-4).
  void observe(double loss);
  void visit_state(StateVisitor& visitor);

 private:
  double factor_of_kind(std::int64_t update) const;

  ScheduleOptions options_;
  PlannedRun run_;
  double best_loss_;  // plateau; initially the largest finite number
  std::int64_t evaluations_without_gain_ = 0;
  double plateau_factor_ = 1;
};

}  // namespace unroll
