#include "cli/language_training.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "base/fingerprint.h"
#include "cli/enum_names.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/training_plan.h"
#include "language/model_json.h"
#include "ranks/agreement.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

using Json = nlohmann::ordered_json;

TrainerOptions trainer_options(const TrainOptions& o, const LanguageTask& task) {
  const std::int64_t batches = task.batches_per_epoch();
  if (o.accumulate > batches) {
    throw Error(
        fmt::format("--accumulate {}: an epoch has only {} batches; lower it", o.accumulate, with_commas(batches)));
  }
  check_length(o.optimizer,
               {.epochs = *o.epochs, .updates_per_epoch = Trainer::steps_per_epoch(batches, o.accumulate)});
  return {.epochs = *o.epochs,
          .accumulate = o.accumulate,
          .shards = *o.shards,
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
    case SIGUSR1:
      return "SIGUSR1";
    default:
      return "SIGTERM";
  }
}

std::string fingerprint_text(std::span<const std::int32_t> ids) {
  return hex(fingerprint_of({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()}));
}

/// The settings that must be equal on all ranks: paths and numbers of threads may differ between hosts.
std::string shared_settings(GivenSettings settings) {
  for (const char* own : {"FILE", "validation", "threads"}) settings.erase(own);
  std::string text;
  for (const auto& [name, values] : settings) text += fmt::format("--{} {}\n", name, fmt::join(values, " "));
  return text;
}

}  // namespace

LanguageTraining::LanguageTraining(const TrainOptions& options, const GivenSettings& given, const TrainingTexts& texts,
                                   RunDirectory& directory, Communicator& ranks)
    : options_(within_memory(options, texts, ranks.size())),
      texts_(texts),
      ranks_(ranks),
      directory_(directory),
      model_path_(directory.model_path()),
      context_({.seed = options.seed, .threads = *options.threads}),
      model_(context_, texts.training.vocabulary(), model_options(options)),
      task_(std::make_shared<LanguageTask>(model_, texts.training, options.task, texts.held_out)) {
  TrainingRunOptions run_options = this->run_options(given);
  run_options.directory = directory.path();
  run_ = std::make_unique<TrainingRun>(
      task_, make_optimizer(options.optimizer, model_.parameters()), trainer_options(options, *task_),
      std::move(run_options),
      [this](const std::string& path, std::span<const float> parameters) { model_.save(path, parameters); }, ranks);
  run_->use_directory(directory);
  run_->stop_when([this] { return signals_->received() != 0; });
  run_->add_observer(std::make_shared<Progress>(
      model_, *task_, *run_,
      ProgressOptions{
          .epochs = *options.epochs,
          .max_rollbacks = options.max_rollbacks,
          .validates_within_epochs = options.validate_every > 0,
          .prefixes = options.prefixes,
          .sample_length = options.sample_length,
          .seed = options.seed,
          .describe = [this] { log_plan(options_, texts_, model_, run_->trainer(), run_->directory(), ranks_.size()); },
          .stops = [this] { return signals_->received() != 0; }}));
}

TrainingRunOptions LanguageTraining::run_options(const GivenSettings& given) const {
  const GivenSettings kept = settings_to_keep(options_, given);
  const std::string vocabulary = vocabulary_json(model_.vocabulary());
  return {.checkpoint_every = *options_.checkpoint_every,
          .keep = options_.keep,
          .max_rollbacks = options_.max_rollbacks,
          .report_every = *options_.report_every,
          .log_fields = to_text(start_fields(options_, texts_, model_, ranks_.size())),
          .metadata = {{"settings", settings_json(kept)},
                       {"unroll_version", UNROLL_VERSION},
                       {"config",
                        config_json({.options = model_.options(), .vocabulary_size = model_.vocabulary().size()})},
                       {"vocabulary", vocabulary}},
          .equal_on_all_ranks = {{"text", fingerprint_text(texts_.training.ids())},
                                 {"vocabulary", hex(fingerprint_of(vocabulary))},
                                 {"validation text", fingerprint_text(texts_.held_out)},
                                 {"setting", shared_settings(kept)}}};
}

void LanguageTraining::train() {
  signals_.emplace();
  keep_standard_input();
  const StopReason reason = run_->train(Resume::never);  // a checkpoint to resume from was restored before
  const Trainer& trainer = run_->trainer();
  if (reason == StopReason::stopped) {
    const std::vector<int> received = all_gather(ranks_, signals_->received());
    const int signal = *std::max_element(received.begin(), received.end());
    log_message(fmt::format("stopped   by {} after update {}; go on with: unroll train --resume {}", name_of(signal),
                            with_commas(trainer.updates()), for_shell(run_->directory())));
    throw StoppedBySignal{signal};
  }
  if (trainer.out_of_patience()) {
    log_message(fmt::format("stopped   {} without a better one; the best is that of update {}",
                            counted(options_.patience, "validation"), with_commas(trainer.best()->update)));
  }
}

/// A resumed run reads the text again. (Standard input comes to a single rank only.)
void LanguageTraining::keep_standard_input() {
  if (options_.file != "-" || run_->resumed()) return;
  directory_.create();
  keep_text(texts_, directory_.text_path());
}

std::string LanguageTraining::result_text() const {
  const std::int64_t epochs = run_->last_epoch().epoch;
  // Of the last complete epoch or, if there is none, of the steps that were made.
  const double loss = epochs > 0 ? run_->last_epoch().loss : run_->status().loss;
  const std::optional<ValidationReport> best = run_->trainer().best();
  const std::vector<Metric> metrics = best ? task_->validation_metrics(best->loss) : std::vector<Metric>{};
  if (!options_.json) {
    if (!best) return fmt::format("model {}, perplexity {}\n", model_path_, four_digits(std::exp(loss)));
    return fmt::format("model {}, validation perplexity {}, {:.4g} bits per symbol, after update {}\n", model_path_,
                       four_digits(value_of(metrics, "perplexity")), value_of(metrics, "bits_per_symbol"),
                       with_commas(best->update));
  }
  Json result;
  result["model"] = model_path_;
  result["epochs"] = epochs;
  result["loss"] = loss;
  result["perplexity"] = std::exp(loss);
  if (best) {
    result["validation"] = {{"epoch", best->epoch}, {"update", best->update}, {"loss", best->loss}};
    for (const Metric& metric : metrics) result["validation"][metric.name] = metric.value;
  }
  result["rollbacks"] = run_->rollbacks();
  result["seconds"] = run_->seconds();
  result["symbols"] = texts_.training.size();
  result["vocabulary"] = model_.vocabulary().size();
  result["parameters"] = model_.parameters().size();
  result["threads"] = context_.threads();
  result["ranks"] = ranks_.size();
  return to_text(result);
}

}  // namespace unroll::cli
