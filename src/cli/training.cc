#include "cli/training.h"

#include <fmt/format.h>

#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "base/simd.h"
#include "cli/format.h"
#include "cli/memory_limit.h"
#include "cli/output.h"
#include "cli/words.h"
#include "model/model_json.h"
#include "tensor/device.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

/// As the user wrote it, where a double of it would say 0.004999999888241291.
double as_written(double number) { return std::stod(fmt::format("{}", static_cast<float>(number))); }

/// Whether a checkpoint is written while training goes on. At its beginning and its end nothing has to be copied.
bool saves_underway(const TrainOptions& o, const Texts& texts) {
  const std::int64_t symbols_per_update = o.accumulate * o.task.batch * o.task.steps;
  const std::int64_t updates = *o.epochs * (texts.training.size() / symbols_per_update + 1);
  return o.checkpoint_every->updates == 0 || o.checkpoint_every->updates < updates;
}

MemoryPlan memory_plan_of(const TrainOptions& o, const Texts& texts) {
  const std::int64_t symbols = texts.training.size() + static_cast<std::int64_t>(texts.held_out.size());
  MemoryPlan plan = memory_plan(workload_of(o, texts.training.vocabulary().size()), moments_of(o.optimizer),
                                !texts.held_out.empty(), symbols);
  if (!saves_underway(o, texts)) plan.saving = 0;
  return plan;
}

/// Before anything of that size is asked for.
const TrainOptions& within_memory(const TrainOptions& o, const Texts& texts) {
  const double needed = memory_plan_of(o, texts).total(), allowed = memory_limit();
  if (needed <= allowed) return o;
  throw Error(ExitCode::internal,
              fmt::format("out of memory: this training takes about {}, and this process may use {}; lower --hidden, "
                          "--layers, --batch or --steps",
                          byte_count(needed), byte_count(allowed)));
}

TrainerOptions trainer_options(const TrainOptions& o, const LanguageTask& task) {
  const std::int64_t batches = task.batches_per_epoch();
  if (o.accumulate > batches) {
    throw Error(
        fmt::format("--accumulate {}: an epoch has only {} batches; lower it", o.accumulate, with_commas(batches)));
  }
  check_length(o.optimizer, {.epochs = *o.epochs, .updates_per_epoch = (batches + o.accumulate - 1) / o.accumulate});
  return {.epochs = *o.epochs,
          .accumulate = o.accumulate,
          .clip_norm = *o.optimizer.clip,
          .clip_value = o.optimizer.clip_value,
          .schedule = schedule_of(o.optimizer),
          .validate_every = o.validate_every,
          .patience = o.patience};
}

const char* name_of(int signal) {
  switch (signal) {
    case SIGINT:
      return "Ctrl-C";
    case SIGHUP:
      return "a hang-up";
    default:
      return "SIGTERM";
  }
}

ValidationResult result_of(const Validation& validation, const Texts& texts) {
  const double bits = validation.loss / std::numbers::ln2;
  const double symbols = static_cast<double>(texts.held_out.size() - 1);
  return {.epoch = validation.epoch,
          .step = validation.update,
          .loss = validation.loss,
          .bits_per_symbol = bits,
          .bits_per_byte = bits * symbols / static_cast<double>(texts.held_out_bytes),
          .best = validation.best};
}

/// The fields of the log's first line.
Json start_fields(const TrainOptions& o, const Texts& texts, const LanguageModel& model, const Trainer& trainer) {
  Json fields;
  fields["version"] = UNROLL_VERSION;
  fields["simd"] = simd_target();
  fields["threads"] = model.context().threads();
  fields["text"] = o.file;
  fields["symbols"] = texts.training.size();
  fields["vocabulary"] = model.vocabulary().size();
  fields["validation"] = o.validation;
  fields["cell"] = word_for(cell_words, o.model.cell);
  fields["hidden"] = o.model.hidden;
  fields["layers"] = o.model.layers;
  fields["embedding"] = o.model.embedding;
  fields["tied"] = o.model.tied;
  fields["dropout"] = as_written(o.model.dropout);
  fields["parameters"] = model.parameters().size();
  fields["init_from"] = o.init_from;
  fields["windows"] = word_for(windows_words, o.task.windows);
  fields["batch"] = o.task.batch;
  fields["steps"] = o.task.steps;
  fields["accumulate"] = o.accumulate;
  fields["optimizer"] = word_for(optimizer_words, o.optimizer.kind);
  fields["learning_rate"] = as_written(*o.optimizer.learning_rate);
  fields["schedule"] = word_for(schedule_words, o.optimizer.schedule);
  fields["clip"] = as_written(*o.optimizer.clip);
  fields["clip_value"] = as_written(o.optimizer.clip_value);
  fields["seed"] = o.seed;
  fields["epochs"] = *o.epochs;
  fields["steps_per_epoch"] = trainer.steps_per_epoch();
  return fields;
}

}  // namespace

Training::Training(const TrainOptions& options, const GivenSettings& given, const Texts& texts, RunDirectory& directory)
    : options_(within_memory(options, texts)),
      texts_(texts),
      directory_(directory),
      context_({.seed = options.seed, .threads = *options.threads}),
      model_(context_, texts.training.vocabulary(), model_options(options)),
      task_(model_, texts.training, options.task, texts.held_out),
      optimizer_(make_optimizer(options.optimizer, model_.parameters())),
      trainer_(task_, *optimizer_, trainer_options(options, task_)),
      progress_(model_,
                {.epochs = *options.epochs,
                 .steps_per_epoch = trainer_.steps_per_epoch(),
                 .report_every = *options.report_every,
                 .validates_within_epochs = options.validate_every > 0,
                 .prefixes = options.prefixes,
                 .sample_length = options.sample_length,
                 .seed = options.seed,
                 .on_sample = [this](const TrainingStatus& now, const std::string& prefix, const std::string& text) {
                   record_->sample(now.epoch, now.step, prefix, text);
                 }}) {
  fixed_about_ = {{"settings", settings_json(settings_to_keep(options, given))},
                  {"unroll_version", UNROLL_VERSION},
                  {"config", config_json({.options = model_.options(), .vocabulary_size = model_.vocabulary().size()})},
                  {"vocabulary", vocabulary_json(model_.vocabulary())}};
}

void Training::begin_with(const LanguageModel& model) { model_.take_weights(model); }

void Training::go_on_from(const StoredCheckpoint& checkpoint) {
  checkpoint.restore(trainer_);
  const Json run = Json::parse(checkpoint.about("run"), nullptr, false);
  if (!run.is_object()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: the \"run\" of its __metadata__ is no JSON object", checkpoint.path()));
  }
  rollbacks_ = run.value("rollbacks", std::int64_t{0});
  progress_.go_on(trainer_.updates(), run);
  goes_on_ = true;
}

std::map<std::string, std::string> Training::about() const {
  std::map<std::string, std::string> about = fixed_about_;
  Json run = progress_.kept();
  run["rollbacks"] = rollbacks_;
  about["run"] = run.dump();
  return about;
}

void Training::say_plan() const {
  const TrainOptions& o = options_;
  const MemoryPlan memory = memory_plan_of(o, texts_);
  const float deviation = o.model.init.standard_deviation;
  const std::string init = !o.init_from.empty() ? "weights of " + one_line(o.init_from)
                           : deviation > 0      ? fmt::format("normal weights, deviation {}", deviation)
                                                : std::string("uniform weights");
  const char* windows = o.task.windows == WindowKind::random      ? "random"
                        : o.task.epoch_state == EpochState::carry ? "consecutive, state carried across epochs"
                                                                  : "consecutive";
  const std::string steps = o.accumulate == 1 ? fmt::format("{} windows", o.task.batch)
                                              : fmt::format("{} batches of {} windows", o.accumulate, o.task.batch);
  say(fmt::format("text      {}: {}, {} distinct", o.file == "-" ? "standard input" : o.file,
                  counted(texts_.training.size(), "symbol"), with_commas(model_.vocabulary().size())));
  if (validates()) say("validation " + description_of_held_out(o, texts_));
  say(fmt::format("model     {}: {}, {}", counted(model_.parameters().size(), "parameter"),
                  description(model_.options()), init));
  say(fmt::format("training  {} of {}: {} of {}, {}; {}; seed {}", counted(*o.epochs, "epoch"),
                  counted(trainer_.steps_per_epoch(), "step"), steps, counted(o.task.steps, "symbol"), windows,
                  description(o.optimizer), o.seed));
  say(fmt::format("machine   {}, {}, about {} of memory", device_of(context_).name(),
                  counted(context_.threads(), "thread"), byte_count(memory.total())));
  say(fmt::format(
      "memory    parameters {}, gradients {}, moments {}, packed weights {}, activations {}, text {}, "
      "copy to save {}",
      byte_count(memory.parameters), byte_count(memory.gradients), byte_count(memory.moments),
      byte_count(memory.packed), byte_count(memory.activations), byte_count(memory.text), byte_count(memory.saving)));
  say(fmt::format("saving    {}, a checkpoint every {}", directory_.path(), description(*o.checkpoint_every)));
}

void Training::connect() {
  trainer_.on_step([this](const StepReport& report) {
    StepReport step = report;
    step.learning_rate = as_written(report.learning_rate);
    progress_.step_done(step);
    if (report.step < trainer_.steps_per_epoch() && record_->due(false)) record_->report(progress_.status());
    saver_->step_done();
    if (signals_->received() != 0) trainer_.stop();
  });
  trainer_.on_validation([this](const Validation& validation) {
    const ValidationResult result = result_of(validation, texts_);
    progress_.validated(result);
    record_->validation(result);
  });
  trainer_.on_epoch([this](const Report& report) {
    const bool shown = progress_.epoch_done(report);
    if (shown || record_->due(true)) record_->report(progress_.status());
    if (shown && signals_->received() == 0) progress_.say_continuations();
  });
}

void Training::begin() {
  record_->start(start_fields(options_, texts_, model_, trainer_));
  progress_.begin();
  saver_->save();
}

void Training::go_on() {
  record_->resume(trainer_.epoch(), trainer_.updates(), *options_.epochs, as_written(trainer_.learning_rate()));
  say(fmt::format("resume    after update {}, in epoch {}; rate {:.4g}", with_commas(trainer_.updates()),
                  trainer_.epoch(), trainer_.learning_rate()));
  if (trainer_.finished()) {
    say(fmt::format("finished  {}; --extend-epochs trains on", trainer_.out_of_patience()
                                                                   ? "before, since validation found nothing better"
                                                                   : counted(*options_.epochs, "epoch")));
  }
}

void Training::run() {
  signals_.emplace();
  directory_.create();
  if (options_.file == "-" && !goes_on_) keep_text(texts_, directory_.text_path());
  say_plan();
  record_.emplace(directory_.path());
  saver_.emplace(model_, trainer_,
                 SaverOptions{.folder = directory_.path(),
                              .model_path = directory_.model_path(),
                              .every = *options_.checkpoint_every,
                              .keep = options_.keep,
                              .about = [this] { return about(); },
                              .on_written =
                                  [this](std::int64_t update, double seconds) {
                                    const std::int64_t steps = trainer_.steps_per_epoch();
                                    record_->checkpoint((update + steps - 1) / steps, update, seconds);
                                  }});
  connect();
  goes_on_ ? go_on() : begin();
  train();
  if (trainer_.out_of_patience()) {
    say(fmt::format("stopped   {} without a better one; the best is that of update {}",
                    counted(options_.patience, "validation"), with_commas(trainer_.best()->update)));
  }
  record_->stop(StopReason::finished, progress_.status().epoch, progress_.status().step);
}

/// Until the end, however often it goes back.
void Training::train() {
  for (;;) {
    try {
      trainer_.run();
      if (!trainer_.finished()) stop();
      return saver_->finish();
    } catch (const Diverged& divergence) {
      roll_back(divergence);
    }
  }
}

void Training::roll_back(const Diverged& divergence) {
  if (rollbacks_ >= options_.max_rollbacks || !saver_->roll_back()) {
    record_->stop(StopReason::diverged, trainer_.epoch(), trainer_.updates());
    throw divergence;
  }
  ++rollbacks_;
  trainer_.set_learning_rate(trainer_.learning_rate() / 2);
  say(fmt::format("warning   training diverged in {}; back to update {} with half the rate, {:.4g}; attempt {} of {}",
                  divergence.where(), with_commas(trainer_.updates()), trainer_.learning_rate(), rollbacks_,
                  options_.max_rollbacks));
  record_->rollback(trainer_.epoch(), trainer_.updates(), divergence.where(), trainer_.learning_rate(),
                    static_cast<int>(rollbacks_));
  saver_->save();  // the attempt and its rate belong to the checkpoint
}

void Training::stop() {
  saver_->finish();
  record_->stop(StopReason::stopped, progress_.status().epoch, progress_.status().step);
  const int signal = signals_->received();
  say(fmt::format("stopped   by {} after update {}; go on with: unroll train --resume {}", name_of(signal),
                  with_commas(trainer_.updates()), directory_.path()));
  throw StoppedBySignal{signal};
}

std::string Training::outcome() const {
  const Report& last = progress_.last();
  std::optional<ValidationResult> best;
  if (trainer_.best()) best = result_of(*trainer_.best(), texts_);
  if (!options_.json) {
    if (!best) return fmt::format("model {}, perplexity {}\n", directory_.model_path(), four_digits(last.perplexity));
    return fmt::format("model {}, validation perplexity {}, {:.4g} bits per symbol, after update {}\n",
                       directory_.model_path(), four_digits(std::exp(best->loss)), best->bits_per_symbol,
                       with_commas(best->step));
  }
  Json outcome;
  outcome["model"] = directory_.model_path();
  outcome["epochs"] = last.epoch;
  outcome["loss"] = last.loss;
  outcome["perplexity"] = last.perplexity;
  if (best) {
    outcome["validation"] = {{"epoch", best->epoch},
                             {"update", best->step},
                             {"loss", best->loss},
                             {"perplexity", std::exp(best->loss)},
                             {"bits_per_symbol", best->bits_per_symbol},
                             {"bits_per_byte", best->bits_per_byte}};
  }
  outcome["rollbacks"] = rollbacks_;
  outcome["seconds"] = progress_.seconds();
  outcome["symbols"] = texts_.training.size();
  outcome["vocabulary"] = model_.vocabulary().size();
  outcome["parameters"] = model_.parameters().size();
  outcome["threads"] = context_.threads();
  return to_text(outcome);
}

}  // namespace unroll::cli
