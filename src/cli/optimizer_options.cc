#include "cli/optimizer_options.h"

#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

constexpr std::int64_t max_updates = 1'000'000'000'000;

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
  const ScheduleOptions schedule = schedule_of(o);
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

SettingGroup optimizer_settings(OptimizerOptions& o) {
  const ScheduleOptions schedule;
  const auto as_text = [](double number) { return fmt::format("{}", number); };
  return {"Optimizer",
          {choice("optimizer", o.kind, optimizer_names, "how gradients become updates"),
           number("lr", o.learning_rate, positive, "0.005, sgd 1 - momentum", "learning rate"),
           number("momentum", o.momentum, share, as_text(o.momentum), "sgd: share of the last direction that stays"),
           toggle("nesterov", o.nesterov, "sgd: look ahead by the momentum"),
           number("weight-decay", o.weight_decay, {}, as_text(AdamWOptions{}.weight_decay),
                  "adamw: each update takes this share, times the rate, of every weight away"),
           number("clip", o.clip, {}, "1", "clip gradients to this global norm; 0: never"),
           number("clip-value", o.clip_value, {}, "0", "clip each element of the gradients instead; 0: never"),
           choice("schedule", o.schedule, schedule_names, "how the rate changes"),
           whole_number("warmup", o.warmup, 0, max_updates, "updates over which the rate rises linearly"),
           number("lr-minimum", o.minimum, share, as_text(schedule.minimum),
                  "cosine, plateau: the lowest rate, as a share of --lr"),
           number("lr-decay", o.decay, within_one, as_text(schedule.decay),
                  "step, plateau: what the rate is multiplied by"),
           whole_number("lr-decay-every", o.decay_every, 1, max_epochs, "a third of all",
                        "step: epochs from one multiplication to the next"),
           whole_number("lr-patience", o.patience, 0, max_epochs, std::to_string(schedule.patience),
                        "plateau: epochs without gain that are borne")}};
}

void check_conflicts(const OptimizerOptions& o) {
  const bool momentum = o.kind == OptimizerKind::sgd && o.momentum > 0;
  const bool step = o.schedule == ScheduleKind::step, plateau = o.schedule == ScheduleKind::plateau;
  const struct {
    bool given, has_effect;
    const char *flag, *home;
  } rules[] = {
      {o.momentum > 0, momentum, "--momentum", "--optimizer sgd"},
      {o.nesterov, momentum, "--nesterov", "--optimizer sgd with --momentum above 0"},
      {o.weight_decay.has_value(), o.kind == OptimizerKind::adamw, "--weight-decay", "--optimizer adamw"},
      {o.minimum.has_value(), o.schedule == ScheduleKind::cosine || plateau, "--lr-minimum",
       "--schedule cosine or plateau"},
      {o.decay.has_value(), step || plateau, "--lr-decay", "--schedule step or plateau"},
      {o.decay_every.has_value(), step, "--lr-decay-every", "--schedule step"},
      {o.patience.has_value(), plateau, "--lr-patience", "--schedule plateau"},
  };
  for (const auto& rule : rules) {
    if (rule.given && !rule.has_effect) {
      throw Error(fmt::format("{} belongs to {}; see unroll train --help", rule.flag, rule.home));
    }
  }
  if (o.clip.value_or(0) > 0 && o.clip_value > 0) {
    throw Error(
        "--clip and --clip-value are two rules for one thing: leave one out, or set it to 0; "
        "see unroll train --help");
  }
}

void check_length(const OptimizerOptions& o, const PlannedRun& run) {
  const std::int64_t updates = run.epochs * run.updates_per_epoch;
  if (o.warmup > 0 && o.warmup >= updates) {
    throw Error(fmt::format("--warmup {}: this training has only {}; lower it, or raise --epochs", o.warmup,
                            counted(updates, "update")));
  }
  const ScheduleOptions schedule = schedule_of(o);
  if (o.schedule == ScheduleKind::step && schedule.decay_every >= run.epochs) {
    throw Error(
        fmt::format("--schedule step never comes to its first step, after {} of {}: lower --lr-decay-every or "
                    "raise --epochs",
                    schedule.decay_every, counted(run.epochs, "epoch")));
  }
  // One epoch to compare with, patience + 1 without improvement, and one with the reduced rate.
  if (o.schedule == ScheduleKind::plateau && schedule.patience + 3 > run.epochs) {
    throw Error(
        fmt::format("--schedule plateau cannot act within {}: it needs {} with --lr-patience {}; lower that or "
                    "raise --epochs",
                    counted(run.epochs, "epoch"), schedule.patience + 3, schedule.patience));
  }
}

void fill_defaults(OptimizerOptions& o, std::int64_t epochs) {
  if (!o.learning_rate) o.learning_rate = default_rate(o);
  if (!o.clip) o.clip = o.clip_value > 0 ? 0.0f : 1.0f;
  if (!o.decay_every) o.decay_every = std::max<std::int64_t>(1, epochs / 3);
}

std::string description(const OptimizerOptions& o) {
  std::string text = fmt::format("{} rate {}", name_of(optimizer_names, o.kind), *o.learning_rate);
  if (o.momentum > 0) text += fmt::format(", {} {}", o.nesterov ? "Nesterov momentum" : "momentum", o.momentum);
  if (o.kind == OptimizerKind::adamw) {
    text += fmt::format(", weight decay {}", o.weight_decay.value_or(AdamWOptions{}.weight_decay));
  }
  return fmt::format("{}{}, {}", text, description_of_schedule(o), clipping(o));
}

ScheduleOptions schedule_of(const OptimizerOptions& o) {
  ScheduleOptions schedule{.kind = o.schedule, .warmup = o.warmup};
  if (o.minimum) schedule.minimum = *o.minimum;
  if (o.decay) schedule.decay = *o.decay;
  if (o.decay_every) schedule.decay_every = *o.decay_every;
  if (o.patience) schedule.patience = *o.patience;
  return schedule;
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerOptions& o, Parameters& parameters) {
  const auto rate = static_cast<double>(*o.learning_rate);
  switch (o.kind) {
    case OptimizerKind::sgd:
      return std::make_unique<Sgd>(parameters, SgdOptions{rate, o.momentum, o.nesterov});
    case OptimizerKind::adam:
      return std::make_unique<Adam>(parameters, AdamOptions{.learning_rate = rate});
    case OptimizerKind::adamw: {
      AdamWOptions options{.learning_rate = rate};
      if (o.weight_decay) options.weight_decay = *o.weight_decay;
      return std::make_unique<AdamW>(parameters, options);
    }
    case OptimizerKind::rmsprop:
      return std::make_unique<RmsProp>(parameters, RmsPropOptions{.learning_rate = rate});
  }
  UNROLL_CHECK(!"every optimizer can be made");
  return nullptr;
}

int moments_of(const OptimizerOptions& o) {
  switch (o.kind) {
    case OptimizerKind::sgd:
      return o.momentum > 0 ? 1 : 0;
    case OptimizerKind::adam:
    case OptimizerKind::adamw:
      return 2;
    case OptimizerKind::rmsprop:
      return 1;
  }
  UNROLL_CHECK(!"every optimizer has its moments");
  return 0;
}

}  // namespace unroll::cli
