#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "unroll/format.h"
#include "unroll/optimizers.h"

namespace unroll {

template <>
const EnumNames<OptimizerKind>& enum_names<OptimizerKind>() {
  static const EnumNames<OptimizerKind> names = {{"sgd", OptimizerKind::sgd},
                                                 {"adam", OptimizerKind::adam},
                                                 {"adamw", OptimizerKind::adamw},
                                                 {"rmsprop", OptimizerKind::rmsprop}};
  return names;
}

template <>
const EnumNames<ScheduleKind>& enum_names<ScheduleKind>() {
  static const EnumNames<ScheduleKind> names = {{"constant", ScheduleKind::constant},
                                                {"cosine", ScheduleKind::cosine},
                                                {"step", ScheduleKind::step},
                                                {"plateau", ScheduleKind::plateau}};
  return names;
}

namespace {

constexpr std::int64_t max_updates = 1'000'000'000'000;
constexpr std::int64_t max_epochs = 1'000'000'000;

using options::Interval;
constexpr Interval positive = {.low = 0, .low_included = false};
constexpr Interval share = {.low = 0, .high = 1, .high_included = false};
constexpr Interval within_one = {.low = 0, .high = 1, .low_included = false, .high_included = false};

/// 1 - momentum for sgd: momentum m adds up 1 / (1 - m) steps in the same direction.
float default_rate(const OptimizerOptions& o) {
  return o.kind == OptimizerKind::sgd ? static_cast<float>(1 - o.momentum) : 0.005f;
}

std::string clipping(const OptimizerOptions& o) {
  if (o.clip_value > 0) return fmt::format("clip values {}", o.clip_value);
  return *o.clip > 0 ? fmt::format("clip {}", *o.clip) : std::string("no clipping");
}

std::string description_of_schedule(const OptimizerOptions& o) {
  const ScheduleOptions schedule = o.schedule_options();
  std::string text = o.warmup > 0 ? fmt::format(", warm-up of {}", counted(o.warmup, "update")) : std::string();
  switch (o.schedule) {
    case ScheduleKind::constant:
      return text;
    case ScheduleKind::cosine:
      return text + fmt::format(", cosine to {:.4g}", schedule.minimum * static_cast<double>(*o.learning_rate));
    case ScheduleKind::step:
      return text + fmt::format(", step times {} every {}", schedule.decay, counted(schedule.decay_every, "epoch"));
    case ScheduleKind::plateau:
      return text + fmt::format(", plateau times {} beyond {} without gain", schedule.decay,
                                counted(schedule.patience, "epoch"));
  }
  UNROLL_CHECK(!"every schedule has a description");
  return text;
}

}  // namespace

std::vector<Option> describe(OptimizerOptions& o) {
  using options::choice;
  using options::number;
  using options::text_of;
  using options::toggle;
  using options::whole_number;
  const ScheduleOptions schedule;
  return {
      choice("optimizer", o.kind, "how gradients become updates"),
      number("lr", o.learning_rate, positive, "0.005, sgd 1 - momentum", "learning rate")
          .with(OnResume::changes_updates),
      number("momentum", o.momentum, share, "sgd: share of the last direction that stays"),
      toggle("nesterov", o.nesterov, "sgd: look ahead by the momentum"),
      number("weight-decay", o.weight_decay, {}, text_of(AdamWOptions{}.weight_decay),
             "adamw: each update takes this share, times the rate, of every weight away"),
      number("clip", o.clip, {}, "1", "clip gradients to this global norm; 0: never"),
      number("clip-value", o.clip_value, {}, "clip each element of the gradients instead; 0: never"),
      choice("schedule", o.schedule, "how the rate changes"),
      whole_number("warmup", o.warmup, 0, max_updates, "updates over which the rate rises linearly"),
      number("lr-minimum", o.minimum, share, text_of(schedule.minimum),
             fmt::format("cosine, plateau: the lowest rate, as a share of {}", option_name("lr"))),
      number("lr-decay", o.decay, within_one, text_of(schedule.decay), "step, plateau: what the rate is multiplied by"),
      whole_number("lr-decay-every", o.decay_every, 1, max_epochs, "a third of all",
                   "step: epochs from one multiplication to the next"),
      whole_number("lr-patience", o.patience, 0, max_epochs, std::to_string(schedule.patience),
                   "plateau: epochs without improvement before the rate falls")};
}

void check_conflicts(const OptimizerOptions& o) {
  const bool momentum = o.kind == OptimizerKind::sgd && o.momentum > 0;
  const std::string optimizer = option_name("optimizer"), schedule = option_name("schedule");
  const bool step = o.schedule == ScheduleKind::step, plateau = o.schedule == ScheduleKind::plateau;
  const struct {
    bool given, has_effect;
    const char* option;
    std::string home;
  } rules[] = {
      {o.momentum > 0, momentum, "momentum", optimizer + " sgd"},
      {o.nesterov, momentum, "nesterov", fmt::format("{} sgd with {} above 0", optimizer, option_name("momentum"))},
      {o.weight_decay.has_value(), o.kind == OptimizerKind::adamw, "weight-decay", optimizer + " adamw"},
      {o.minimum.has_value(), o.schedule == ScheduleKind::cosine || plateau, "lr-minimum",
       schedule + " cosine or plateau"},
      {o.decay.has_value(), step || plateau, "lr-decay", schedule + " step or plateau"},
      {o.decay_every.has_value(), step, "lr-decay-every", schedule + " step"},
      {o.patience.has_value(), plateau, "lr-patience", schedule + " plateau"},
  };
  for (const auto& rule : rules) {
    if (rule.given && !rule.has_effect) {
      throw OptionError(fmt::format("{} belongs to {}", option_name(rule.option), rule.home));
    }
  }
  if (o.clip.value_or(0) > 0 && o.clip_value > 0) {
    throw OptionError(fmt::format("{} and {} are two rules for one thing: leave one out, or set it to 0",
                                  option_name("clip"), option_name("clip-value")));
  }
}

void check_length(const OptimizerOptions& o, const PlannedRun& run) {
  const std::int64_t updates = updates_of(run);
  if (o.warmup > 0 && o.warmup >= updates) {
    throw Error(fmt::format("{} {}: this training has only {}; lower it, or raise {}", option_name("warmup"), o.warmup,
                            counted(updates, "update"), option_name("epochs")));
  }
  const ScheduleOptions schedule = o.schedule_options();
  if (o.schedule == ScheduleKind::step && schedule.decay_every >= run.epochs) {
    throw Error(fmt::format("{} step never comes to its first step, after {} of {}: lower {} or raise {}",
                            option_name("schedule"), schedule.decay_every, counted(run.epochs, "epoch"),
                            option_name("lr-decay-every"), option_name("epochs")));
  }
  // One epoch to compare with, patience + 1 without improvement, and one with the reduced rate.
  if (o.schedule == ScheduleKind::plateau && schedule.patience > run.epochs - 3) {
    throw Error(fmt::format("{} plateau cannot act within {}: it needs {} with {} {}; lower that or raise {}",
                            option_name("schedule"), counted(run.epochs, "epoch"), schedule.patience + 3,
                            option_name("lr-patience"), schedule.patience, option_name("epochs")));
  }
}

void OptimizerOptions::fill_defaults(std::int64_t epochs) {
  if (!learning_rate) learning_rate = default_rate(*this);
  if (!clip) clip = clip_value > 0 ? 0.0f : 1.0f;
  if (!decay_every) decay_every = std::max<std::int64_t>(1, epochs / 3);
}

std::string OptimizerOptions::description() const {
  std::string text = fmt::format("{} rate {}", name_of(kind), *learning_rate);
  if (momentum > 0) text += fmt::format(", {} {}", nesterov ? "Nesterov momentum" : "momentum", momentum);
  if (kind == OptimizerKind::adamw) {
    text += fmt::format(", weight decay {}", weight_decay.value_or(AdamWOptions{}.weight_decay));
  }
  return fmt::format("{}{}, {}", text, description_of_schedule(*this), clipping(*this));
}

ScheduleOptions OptimizerOptions::schedule_options() const {
  ScheduleOptions all{.kind = schedule, .warmup = warmup};
  if (minimum) all.minimum = *minimum;
  if (decay) all.decay = *decay;
  if (decay_every) all.decay_every = *decay_every;
  if (patience) all.patience = *patience;
  return all;
}

std::unique_ptr<Optimizer> OptimizerOptions::make(Parameters& parameters) const {
  const auto rate = static_cast<double>(*learning_rate);
  switch (kind) {
    case OptimizerKind::sgd:
      return std::make_unique<Sgd>(parameters, SgdOptions{rate, momentum, nesterov});
    case OptimizerKind::adam:
      return std::make_unique<Adam>(parameters, AdamOptions{.learning_rate = rate});
    case OptimizerKind::adamw: {
      AdamWOptions options{.learning_rate = rate};
      if (weight_decay) options.weight_decay = *weight_decay;
      return std::make_unique<AdamW>(parameters, options);
    }
    case OptimizerKind::rmsprop:
      return std::make_unique<RmsProp>(parameters, RmsPropOptions{.learning_rate = rate});
  }
  UNROLL_CHECK(!"every optimizer can be made");
  return nullptr;
}

int OptimizerOptions::moments() const {
  switch (kind) {
    case OptimizerKind::sgd:
      return momentum > 0 ? 1 : 0;
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      return 2;
    case OptimizerKind::rmsprop:
      return 1;
  }
  UNROLL_CHECK(!"every optimizer has its moments");
  return 0;
}

}  // namespace unroll
