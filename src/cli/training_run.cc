#include "cli/training_run.h"

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

ValidationResult result_of(const ValidationReport& validation, const TrainingTexts& texts) {
  const double bits = validation.loss / std::numbers::ln2;
  const double symbols = static_cast<double>(texts.held_out.size() - 1);
  return {.epoch = validation.epoch,
          .update = validation.update,
          .loss = validation.loss,
          .bits_per_symbol = bits,
          .bits_per_byte = bits * symbols / static_cast<double>(texts.validation_bytes),
          .best = validation.best};
}

}  // namespace

TrainingRun::TrainingRun(const TrainOptions& options, const GivenSettings& given, const TrainingTexts& texts,
                         RunDirectory& directory, Communicator& ranks)
    : options_(within_memory(options, texts, ranks.size())),
      texts_(texts),
      directory_(directory),
      ranks_(ranks),
      context_({.seed = options.seed, .threads = *options.threads}),
      model_(context_, texts.training.vocabulary(), model_options(options)),
      task_(model_, texts.training, options.task, texts.held_out),
      optimizer_(make_optimizer(options.optimizer, model_.parameters())),
      trainer_(task_, *optimizer_, trainer_options(options, task_), ranks),
      progress_(model_,
                {.epochs = *options.epochs,
                 .steps_per_epoch = trainer_.steps_per_epoch(),
                 .report_every = *options.report_every,
                 .validates_within_epochs = options.validate_every > 0,
                 .prefixes = options.prefixes,
                 .sample_length = options.sample_length,
                 .seed = options.seed,
                 .on_sample = [this](const TrainingStatus& now, const std::string& prefix, const std::string& text) {
                   record_->sample(now.epoch, now.update, prefix, text);
                 }}) {
  GivenSettings kept = settings_to_keep(options, given);
  fixed_metadata_ = {
      {"settings", settings_json(kept)},
      {"unroll_version", UNROLL_VERSION},
      {"config", config_json({.options = model_.options(), .vocabulary_size = model_.vocabulary().size()})},
      {"vocabulary", vocabulary_json(model_.vocabulary())}};
  // Paths and numbers of threads may differ between hosts.
  for (const char* own : {"FILE", "validation", "threads"}) kept.erase(own);
  for (const auto& [name, values] : kept) shared_settings_ += fmt::format("--{} {}\n", name, fmt::join(values, " "));
}

void TrainingRun::begin_with(const LanguageModel& model) { model_.copy_weights_from(model); }

void TrainingRun::resume_from(const StoredCheckpoint& checkpoint) {
  constexpr std::array<std::string_view, 1> may_change = {"shards"};
  checkpoint.restore(trainer_, may_change);
  const Json run = Json::parse(checkpoint.metadata("run"), nullptr, false);
  if (!run.is_object()) {
    throw Error(ExitCode::bad_data,
                fmt::format("{}: the \"run\" of its __metadata__ is no JSON object", checkpoint.path()));
  }
  rollbacks_ = run.value("rollbacks", std::int64_t{0});
  origin_ = run.value("origin", std::int64_t{0});
  progress_.resume(trainer_.updates(), run);
  resumed_ = true;
}

void TrainingRun::branch_here(bool longer) {
  origin_ = trainer_.updates();
  branches_ = true;
  if (longer) trainer_.reset_patience();
}

std::map<std::string, std::string> TrainingRun::metadata() const {
  std::map<std::string, std::string> metadata = fixed_metadata_;
  Json run = progress_.kept();
  run["rollbacks"] = rollbacks_;
  run["origin"] = origin_;
  metadata["run"] = run.dump();
  return metadata;
}

void TrainingRun::connect() {
  trainer_.stop_when([this] { return signals_->received() != 0; });
  trainer_.on_step([this](const StepReport& report) {
    if (is_root()) show(report);
    checkpoint_writer_->step_done();
  });
  if (!is_root()) return;
  trainer_.on_validation([this](const ValidationReport& validation) {
    const ValidationResult result = result_of(validation, texts_);
    progress_.validated(result);
    record_->validation(result);
  });
  trainer_.on_epoch([this](const EpochReport& report) {
    const bool shown = progress_.epoch_done(report);
    if (shown || record_->due(true)) record_status();
    if (shown && signals_->received() == 0) progress_.log_continuations();
  });
}

void TrainingRun::show(const StepReport& report) {
  StepReport step = report;
  step.learning_rate = as_written(report.learning_rate);
  progress_.step_done(step);
  if (report.step_in_epoch < trainer_.steps_per_epoch() && record_->due(false)) record_status();
}

void TrainingRun::record_status() {
  const TrainingStatus& now = progress_.status();
  record_->report(now);
  paces_->report(*record_, now.epoch, now.update, trainer_.timings());
}

void TrainingRun::begin() {
  // Random weights are made from logarithms and cosines, which may differ between hosts.
  broadcast(ranks_, model_.parameters().values());
  model_.parameters().updated();
  if (is_root()) {
    record_->start(start_fields(options_, texts_, model_, trainer_, ranks_.size()));
    progress_.begin();
  }
  checkpoint_writer_->save();
}

void TrainingRun::resume() {
  if (is_root()) {
    record_->resume(trainer_.epoch(), trainer_.updates(), trainer_.has_pending_report(), *options_.epochs,
                    as_written(trainer_.learning_rate()));
  }
  log_message(fmt::format("resume    after update {}, in epoch {}; rate {:.4g}", with_commas(trainer_.updates()),
                          trainer_.epoch(), trainer_.learning_rate()));
  if (trainer_.finished()) {
    log_message(fmt::format("finished  {}; --extend-epochs trains on",
                            trainer_.out_of_patience() ? "before, since validation found nothing better"
                                                       : counted(*options_.epochs, "epoch")));
  }
  if (branches_) checkpoint_writer_->save();  // or the change would be lost if this process were killed
}

/// Throws Error if the ranks differ in text, vocabulary, settings or checkpoint.
void TrainingRun::check_ranks() const {
  const auto fingerprint = [](std::span<const std::int32_t> ids) {
    return hex(fingerprint_of({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()}));
  };
  const std::array facts = {Fact{"text", fingerprint(texts_.training.ids())},
                            Fact{"vocabulary", hex(fingerprint_of(fixed_metadata_.at("vocabulary")))},
                            Fact{"validation text", fingerprint(texts_.held_out)}, Fact{"setting", shared_settings_},
                            Fact{"checkpoint", fmt::format("that of update {}", trainer_.updates())}};
  require_same(ranks_, facts);
}

void TrainingRun::lock_directory() {
  run_collectively(ranks_, [this] {
    if (!is_root()) return;
    directory_.create();
    if (options_.file == "-" && !resumed_) keep_text(texts_, directory_.text_path());
  });
  require_shared(directory_.path(), ranks_);
}

void TrainingRun::run() {
  signals_.emplace();
  check_ranks();
  lock_directory();
  log_plan(options_, texts_, model_, trainer_, directory_.path(), ranks_.size());
  if (is_root()) record_.emplace(directory_.path());
  paces_.emplace(ranks_);
  checkpoint_writer_.emplace(model_, trainer_, ranks_,
                             CheckpointWriterOptions{.folder = directory_.path(),
                                                     .model_path = directory_.model_path(),
                                                     .every = *options_.checkpoint_every,
                                                     .keep = options_.keep,
                                                     .origin = origin_,
                                                     .metadata = [this] { return metadata(); },
                                                     .on_written =
                                                         [this](std::int64_t update, double seconds) {
                                                           const std::int64_t steps = trainer_.steps_per_epoch();
                                                           record_->checkpoint((update + steps - 1) / steps, update,
                                                                               seconds);
                                                         }});
  if (saves_underway(options_, texts_)) checkpoint_writer_->prepare();
  connect();
  resumed_ ? resume() : begin();
  train();
  if (trainer_.out_of_patience()) {
    log_message(fmt::format("stopped   {} without a better one; the best is that of update {}",
                            counted(options_.patience, "validation"), with_commas(trainer_.best()->update)));
  }
  record_stop(StopReason::finished);
}

void TrainingRun::record_stop(StopReason reason) {
  if (is_root()) record_->stop(reason, progress_.status().epoch, progress_.status().update);
}

/// Trains to the end, including rollbacks.
void TrainingRun::train() {
  for (;;) {
    try {
      trainer_.run();
      if (!trainer_.finished()) stop();
      return run_collectively(ranks_, [this] { checkpoint_writer_->finish(); });
    } catch (const Diverged& divergence) {
      roll_back(divergence);
    }
  }
}

void TrainingRun::roll_back(const Diverged& divergence) {
  const std::optional<StoredCheckpoint> good =
      rollbacks_ < options_.max_rollbacks ? checkpoint_writer_->roll_back() : std::nullopt;
  if (!good) {
    if (is_root()) record_->stop(StopReason::diverged, trainer_.epoch(), trainer_.updates());
    throw divergence;
  }
  ++rollbacks_;
  progress_.resume(trainer_.updates(), Json::parse(good->metadata("run")));
  trainer_.set_learning_rate(trainer_.learning_rate() / 2);
  log_message(
      fmt::format("warning   training diverged in {}; back to update {} with half the rate, {:.4g}; attempt {} of {}",
                  divergence.where(), with_commas(trainer_.updates()), trainer_.learning_rate(), rollbacks_,
                  options_.max_rollbacks));
  if (is_root()) {
    record_->rollback(trainer_.epoch(), trainer_.updates(), trainer_.has_pending_report(), divergence.where(),
                      trainer_.learning_rate(), static_cast<int>(rollbacks_));
  }
  checkpoint_writer_->save();  // so that the checkpoint holds the attempt and its rate
}

void TrainingRun::stop() {
  run_collectively(ranks_, [this] { checkpoint_writer_->finish(); });
  const std::vector<int> received = all_gather(ranks_, signals_->received());
  const int signal = *std::max_element(received.begin(), received.end());
  log_message(fmt::format("stopped   by {} after update {}; go on with: unroll train --resume {}", name_of(signal),
                          with_commas(trainer_.updates()), for_shell(directory_.path())));
  record_stop(StopReason::stopped);
  throw StoppedBySignal{signal};
}

std::string TrainingRun::result_text() const {
  const std::int64_t epochs = progress_.last().epoch;
  // Of the last whole epoch or, if training ended before that, of the first epoch so far.
  const double loss = epochs > 0 ? progress_.last().loss : progress_.status().loss;
  std::optional<ValidationResult> best;
  if (trainer_.best()) best = result_of(*trainer_.best(), texts_);
  if (!options_.json) {
    if (!best) return fmt::format("model {}, perplexity {}\n", directory_.model_path(), four_digits(std::exp(loss)));
    return fmt::format("model {}, validation perplexity {}, {:.4g} bits per symbol, after update {}\n",
                       directory_.model_path(), four_digits(std::exp(best->loss)), best->bits_per_symbol,
                       with_commas(best->update));
  }
  Json result;
  result["model"] = directory_.model_path();
  result["epochs"] = epochs;
  result["loss"] = loss;
  result["perplexity"] = std::exp(loss);
  if (best) {
    result["validation"] = {{"epoch", best->epoch},
                            {"update", best->update},
                            {"loss", best->loss},
                            {"perplexity", std::exp(best->loss)},
                            {"bits_per_symbol", best->bits_per_symbol},
                            {"bits_per_byte", best->bits_per_byte}};
  }
  result["rollbacks"] = rollbacks_;
  result["seconds"] = progress_.seconds();
  result["symbols"] = texts_.training.size();
  result["vocabulary"] = model_.vocabulary().size();
  result["parameters"] = model_.parameters().size();
  result["threads"] = context_.threads();
  result["ranks"] = ranks_.size();
  return to_text(result);
}

}  // namespace unroll::cli
