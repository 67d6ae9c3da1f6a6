#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "base/check.h"
#include "base/require.h"
#include "unroll/error.h"
#include "unroll/optimizers.h"

namespace unroll {

namespace {

/// A loss counts as progress if it is below (1 - 1e-4) times the best one.
constexpr double min_gain = 1e-4;

}  // namespace

std::int64_t updates_of(const PlannedRun& run) {
  require_count("epochs", run.epochs, 0);
  require_count("updates_per_epoch", run.updates_per_epoch, 1);
  if (const std::int64_t most = max_count / run.updates_per_epoch; run.epochs > most) {
    throw Error(fmt::format("epochs is {}; with {} updates each it must be at most {}", run.epochs,
                            run.updates_per_epoch, most));
  }
  return run.epochs * run.updates_per_epoch;
}

Schedule::Schedule(const ScheduleOptions& options, PlannedRun run)
    : options_(options), run_(run), best_loss_(std::numeric_limits<double>::max()) {
  const std::int64_t updates = updates_of(run);
  require_known("schedule", options.kind);
  require_count("warmup", options.warmup, 0);
  require_count("decay_every", options.decay_every, 1);
  require_count("patience", options.patience, 0);
  if (!(options.minimum >= 0 && options.minimum < 1)) {
    throw Error(fmt::format("minimum is {}; it must lie in [0, 1), a share of the full rate", options.minimum));
  }
  if (!(options.decay > 0 && options.decay < 1)) {
    throw Error(fmt::format("decay is {}; it must lie in (0, 1)", options.decay));
  }
  if (options.warmup > 0 && options.warmup >= updates) {
    throw Error(fmt::format("a warm-up of {} updates does not end within a run of {}: make it shorter", options.warmup,
                            updates));
  }
}

double Schedule::factor(std::int64_t update) const {
  const double warm =
      update < options_.warmup ? static_cast<double>(update + 1) / static_cast<double>(options_.warmup + 1) : 1;
  return warm * factor_of_kind(update);
}

double Schedule::factor_of_kind(std::int64_t update) const {
  switch (options_.kind) {
    case ScheduleKind::constant:
      return 1;
    case ScheduleKind::cosine: {
      const std::int64_t falling = std::max<std::int64_t>(1, updates_of(run_) - options_.warmup);
      const std::int64_t gone = std::clamp<std::int64_t>(update - options_.warmup, 0, falling);
      const double half_turn = std::numbers::pi * static_cast<double>(gone) / static_cast<double>(falling);
      return options_.minimum + (1 - options_.minimum) * (1 + std::cos(half_turn)) / 2;
    }
    case ScheduleKind::step: {
      const std::int64_t decays = update / run_.updates_per_epoch / options_.decay_every;
      return std::pow(options_.decay, static_cast<double>(decays));
    }
    case ScheduleKind::plateau:
      return plateau_factor_;
  }
  UNROLL_CHECK(!"every kind has a factor");
  return 1;
}

void Schedule::observe(double loss) {
  if (loss < best_loss_ * (1 - min_gain)) {
    best_loss_ = loss;
    evaluations_without_gain_ = 0;
  } else if (++evaluations_without_gain_ > options_.patience) {
    plateau_factor_ = std::max(plateau_factor_ * options_.decay, options_.minimum);
    evaluations_without_gain_ = 0;
  }
}

void Schedule::visit_state(StateVisitor& visitor) {
  visitor.check("kind", static_cast<double>(options_.kind));
  visitor.check("warmup", static_cast<double>(options_.warmup));
  // Options of another kind have no effect, and their defaults may differ from run to run.
  const bool cosine = options_.kind == ScheduleKind::cosine, step = options_.kind == ScheduleKind::step;
  const bool plateau = options_.kind == ScheduleKind::plateau;
  if (cosine || plateau) visitor.check("minimum", options_.minimum);
  if (step || plateau) visitor.check("decay", options_.decay);
  if (step) visitor.check("decay_every", static_cast<double>(options_.decay_every));
  if (plateau) visitor.check("patience", static_cast<double>(options_.patience));
  constexpr double largest = std::numeric_limits<double>::max();
  visitor.visit("best_loss", best_loss_, -largest, largest);
  visitor.visit("evaluations_without_gain", evaluations_without_gain_, 0, max_count);
  visitor.visit("plateau_factor", plateau_factor_, 0, 1);
}

}  // namespace unroll
