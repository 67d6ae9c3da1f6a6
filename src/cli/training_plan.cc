#include "cli/training_plan.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "base/simd.h"
#include "cli/enum_names.h"
#include "cli/format.h"
#include "cli/launched.h"
#include "cli/memory_limit.h"
#include "cli/output.h"
#include "device/device.h"
#include "unroll/error.h"

namespace unroll::cli {

bool saves_underway(const TrainOptions& o, const TrainingTexts& texts) {
  const std::int64_t symbols_per_update = o.accumulate * o.task.batch * o.task.window;
  const std::int64_t updates = *o.epochs * (texts.training.size() / symbols_per_update + 1);
  return o.checkpoint_every->updates == 0 || o.checkpoint_every->updates < updates;
}

namespace {

MemoryPlan memory_plan_of(const TrainOptions& o, const TrainingTexts& texts, int ranks) {
  const std::int64_t symbols = texts.training.size() + static_cast<std::int64_t>(texts.held_out.size());
  MemoryPlan plan = memory_plan(workload_of(o, texts.training.vocabulary().size()), moments_of(o.optimizer),
                                !texts.held_out.empty(), symbols, {.shards = *o.shards, .ranks = ranks});
  if (!saves_underway(o, texts)) plan.saving = 0;
  return plan;
}

std::string description_of(const MemoryPlan& plan) {
  const struct {
    const char* name;
    double bytes;
  } parts[] = {{"parameters", plan.parameters}, {"gradients", plan.gradients},     {"moments", plan.moments},
               {"packed weights", plan.packed}, {"activations", plan.activations}, {"text", plan.text},
               {"copy to save", plan.saving}};
  std::vector<std::string> texts;
  for (const auto& part : parts) {
    if (part.bytes > 0) texts.push_back(fmt::format("{} {}", part.name, byte_count(part.bytes)));
  }
  return join(texts, ", ");
}

}  // namespace

const TrainOptions& within_memory(const TrainOptions& o, const TrainingTexts& texts, int ranks) {
  const double needed = memory_plan_of(o, texts, ranks).total(),
               allowed = memory_limit(*o.threads, launched().ranks_on_host);
  if (needed <= allowed) return o;
  if (allowed == 0) {
    throw Error(ExitCode::internal,
                fmt::format("out of memory: this training takes about {}, and this process has taken all that it may "
                            "use; raise its limit (ulimit -v, -d)",
                            byte_count(needed)));
  }
  throw Error(ExitCode::internal,
              fmt::format("out of memory: this training takes about {}, and this process may use {}; lower --hidden, "
                          "--layers, --batch, --steps or --threads",
                          byte_count(needed), byte_count(allowed)));
}

void log_plan(const TrainOptions& o, const TrainingTexts& texts, const LanguageModel& model, const Trainer& trainer,
              const std::string& folder, int ranks) {
  const MemoryPlan memory = memory_plan_of(o, texts, ranks);
  const float deviation = o.model.init.standard_deviation;
  const std::string init = !o.resume.empty()      ? std::string("weights of the checkpoint")
                           : !o.init_from.empty() ? "weights of " + one_line(o.init_from)
                           : deviation > 0        ? fmt::format("normal weights, deviation {}", deviation)
                                                  : std::string("uniform weights");
  const char* windows = o.task.windows == WindowKind::random      ? "random"
                        : o.task.epoch_state == EpochState::carry ? "consecutive, state carried across epochs"
                                                                  : "consecutive";
  const std::string steps = o.accumulate == 1 ? fmt::format("{} windows", o.task.batch)
                                              : fmt::format("{} batches of {} windows", o.accumulate, o.task.batch);
  log_message(fmt::format("text      {}: {}, {} distinct", o.file == "-" ? "standard input" : one_line(o.file),
                          counted(texts.training.size(), "symbol"), with_commas(model.vocabulary().size())));
  if (!texts.held_out.empty()) log_message("held out  " + validation_description(o, texts));
  log_message(fmt::format("model     {}: {}, {}", counted(model.parameters().size(), "parameter"),
                          description(model.options()), init));
  log_message(fmt::format("training  {} of {}: {} of {}, {}; {}; seed {}", counted(*o.epochs, "epoch"),
                          counted(trainer.steps_per_epoch(), "step"), steps, counted(o.task.window, "symbol"), windows,
                          description(o.optimizer), o.seed));
  log_message(fmt::format("machine   {}, {}, about {} of memory", device_of(model.context()).name(),
                          counted(model.context().threads(), "thread"), byte_count(memory.total())));
  if (ranks > 1) log_message(fmt::format("ranks     {}, {}", ranks, counted(*o.shards, "slice")));
  log_message("memory    " + description_of(memory));
  log_message(fmt::format("saving    {}, a checkpoint every {}", one_line(folder), description(*o.checkpoint_every)));
}

nlohmann::ordered_json start_fields(const TrainOptions& o, const TrainingTexts& texts, const LanguageModel& model,
                                    int ranks) {
  nlohmann::ordered_json fields;
  fields["version"] = UNROLL_VERSION;
  fields["simd"] = simd_target();
  fields["threads"] = model.context().threads();
  fields["ranks"] = ranks;
  fields["gradient_slices"] = *o.shards;
  fields["text"] = o.file;
  fields["symbols"] = texts.training.size();
  fields["vocabulary"] = model.vocabulary().size();
  fields["validation"] = o.validation;
  fields["cell"] = name_of(cell_names, o.model.cell);
  fields["hidden"] = o.model.hidden;
  fields["layers"] = o.model.layers;
  fields["embedding"] = o.model.embedding;
  fields["tied"] = o.model.tied;
  fields["dropout"] = shortest_float(o.model.dropout);
  fields["parameters"] = model.parameters().size();
  fields["init_from"] = o.init_from;
  fields["windows"] = name_of(windows_names, o.task.windows);
  fields["batch"] = o.task.batch;
  fields["steps"] = o.task.window;
  fields["accumulate"] = o.accumulate;
  fields["optimizer"] = name_of(optimizer_names, o.optimizer.kind);
  fields["learning_rate"] = shortest_float(*o.optimizer.learning_rate);
  fields["schedule"] = name_of(schedule_names, o.optimizer.schedule);
  fields["clip"] = shortest_float(*o.optimizer.clip);
  fields["clip_value"] = shortest_float(o.optimizer.clip_value);
  fields["seed"] = o.seed;
  return fields;
}

}  // namespace unroll::cli
