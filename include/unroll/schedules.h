#pragma once

#include <cstdint>

#include "unroll/state_visitor.h"

namespace unroll {

enum class ScheduleKind {
  constant,
  cosine,  ///< falls along half a cosine, after the warm-up, to `minimum` at the end of the run
  step,    ///< is multiplied by `decay` every `decay_every` epochs
  plateau  ///< is multiplied by `decay` where the loss has not fallen for more than `patience` evaluations
};

/// How the learning rate changes while a net is trained.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::constant;
  std::int64_t warmup = 0;  ///< updates, >= 0, over which the rate rises linearly to what `kind` says
  double minimum = 0;       ///< cosine, plateau: the lowest rate as a share of the full one, in [0, 1)
  double decay = 0.1;       ///< step, plateau: in (0, 1)
  /// Step: >= 1. Epochs, since how many updates are in one depends on the length of the text.
  std::int64_t decay_every = 10;
  std::int64_t patience = 3;  ///< plateau: evaluations, >= 0
};

/// What a schedule is spread over.
struct PlannedRun {
  std::int64_t epochs = 0;             ///< >= 0
  std::int64_t updates_per_epoch = 1;  ///< >= 1
};

/// The learning rate of each update, as a factor of the full rate: that of the warm-up times that of the kind. For
/// update u, counted from 0:
///   warm-up   (u + 1) / (warmup + 1) while u < warmup, then 1
///   cosine    minimum + (1 - minimum) (1 + cos(pi v / (updates - warmup))) / 2 with v = u - warmup, once u > warmup
///             (Loshchilov and Hutter, SGDR, 2017, without restarts)
///   step      decay ^ floor(epoch / decay_every), the epochs of u counted from 0
///   plateau   max(minimum, decay ^ times that the loss stopped falling)
/// They are LinearLR, CosineAnnealingLR, StepLR and ReduceLROnPlateau (with its relative threshold 1e-4) of PyTorch.
class Schedule {
 public:
  /// Throws Error for options out of range, and where the warm-up leaves none of the run's updates.
  Schedule(const ScheduleOptions& options, PlannedRun run);
  double factor(std::int64_t update) const;
  /// Says the loss, >= 0, of an evaluation: plateau looks whether it has fallen by more than a ten-thousandth.
  void observe(double loss);
  void visit_state(StateVisitor& visitor);

 private:
  double factor_of_kind(std::int64_t update) const;

  ScheduleOptions options_;
  PlannedRun run_;
  double best_loss_;  // plateau: before the first evaluation the largest finite number
  std::int64_t evaluations_without_gain_ = 0;
  double plateau_factor_ = 1;
};

}  // namespace unroll
