#include "training_plan.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "format.h"
#include "options.h"
#include "output.h"

namespace unroll::cli {

namespace {

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

/// "the last 10 % of the text: 6,328 symbols"
std::string validation_description(const LanguageRun& run) {
  const std::optional<double> share = run.validation_share();
  const std::string what =
      share ? fmt::format("the last {:.4g} % of the text", 100 * *share) : one_line(run.options().validation);
  const std::string length = counted(run.validation_text().size() - 1, "symbol");
  const std::string skipped =
      run.validation_text().skipped() > 0
          ? fmt::format(", {} skipped that the text lacks", with_commas(run.validation_text().skipped()))
          : "";
  return fmt::format("{}: {}{}", what, length, skipped);
}

}  // namespace

void log_plan(const LanguageRun& run) {
  const LanguageRunOptions& o = run.options();
  const LanguageModel& model = run.model();
  const MemoryPlan memory = run.memory();
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
  const TokenUnit unit = model.vocabulary().unit();
  const std::string distinct =  // of bytes all 256 are in the vocabulary
      unit == TokenUnit::byte ? "" : fmt::format(", {} distinct", with_commas(model.vocabulary().size()));
  log_message(fmt::format("text      {}: {}{}{}", one_line(run.text_source()), counted(run.text().size(), "symbol"),
                          distinct, unit_suffix(unit)));
  if (run.validation_text().size() > 0) log_message("held out  " + validation_description(run));
  log_message(fmt::format("model     {}: {}, {}", counted(model.parameters().size(), "parameter"),
                          description(model.options()), init));
  log_message(fmt::format("training  {} of {}: {} of {}, {}; {}; seed {}", counted(*o.epochs, "epoch"),
                          counted(run.run().trainer().steps_per_epoch(), "step"), steps,
                          counted(o.task.window, "symbol"), windows, o.optimizer.description(), o.seed));
  log_message(fmt::format("machine   {}, {}, about {} of memory", run.device(),
                          counted(model.context().threads(), "thread"), byte_count(memory.total())));
  if (run.ranks() > 1) log_message(fmt::format("ranks     {}, {}", run.ranks(), counted(*o.shards, "slice")));
  log_message("memory    " + description_of(memory));
  log_message(fmt::format("saving    {}, a checkpoint every {}", one_line(run.run().directory()),
                          description(*o.checkpoint_every)));
}

}  // namespace unroll::cli
