#include "cli/training.h"

#include <fmt/format.h>

#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "cli/format.h"
#include "cli/output.h"
#include "cli/training_plan.h"
#include "cli/words.h"
#include "model/model_json.h"
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
  origin_ = run.value("origin", std::int64_t{0});
  progress_.go_on(trainer_.updates(), run);
  goes_on_ = true;
}

void Training::take_another_course(bool longer) {
  origin_ = trainer_.updates();
  other_course_ = true;
  if (longer) trainer_.reset_patience();
}

std::map<std::string, std::string> Training::about() const {
  std::map<std::string, std::string> about = fixed_about_;
  Json run = progress_.kept();
  run["rollbacks"] = rollbacks_;
  run["origin"] = origin_;
  about["run"] = run.dump();
  return about;
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
  const std::int64_t update = trainer_.updates();
  record_->resume(trainer_.epoch(), update, trainer_.owes_a_report(), *options_.epochs,
                  as_written(trainer_.learning_rate()));
  say(fmt::format("resume    after update {}, in epoch {}; rate {:.4g}", with_commas(trainer_.updates()),
                  trainer_.epoch(), trainer_.learning_rate()));
  if (trainer_.finished()) {
    say(fmt::format("finished  {}; --extend-epochs trains on", trainer_.out_of_patience()
                                                                   ? "before, since validation found nothing better"
                                                                   : counted(*options_.epochs, "epoch")));
  }
  if (other_course_) saver_->save();  // or it would be forgotten if this process were killed
}

void Training::run() {
  signals_.emplace();
  directory_.create();
  if (options_.file == "-" && !goes_on_) keep_text(texts_, directory_.text_path());
  say_plan(options_, texts_, model_, trainer_, directory_.path());
  record_.emplace(directory_.path());
  saver_.emplace(model_, trainer_,
                 SaverOptions{.folder = directory_.path(),
                              .model_path = directory_.model_path(),
                              .every = *options_.checkpoint_every,
                              .keep = options_.keep,
                              .origin = origin_,
                              .about = [this] { return about(); },
                              .on_written =
                                  [this](std::int64_t update, double seconds) {
                                    const std::int64_t steps = trainer_.steps_per_epoch();
                                    record_->checkpoint((update + steps - 1) / steps, update, seconds);
                                  }});
  if (saves_underway(options_, texts_)) saver_->prepare();
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
  const std::optional<StoredCheckpoint> good = rollbacks_ < options_.max_rollbacks ? saver_->roll_back() : std::nullopt;
  if (!good) {
    record_->stop(StopReason::diverged, trainer_.epoch(), trainer_.updates());
    throw divergence;
  }
  ++rollbacks_;
  progress_.go_on(trainer_.updates(), Json::parse(good->about("run")));
  trainer_.set_learning_rate(trainer_.learning_rate() / 2);
  say(fmt::format("warning   training diverged in {}; back to update {} with half the rate, {:.4g}; attempt {} of {}",
                  divergence.where(), with_commas(trainer_.updates()), trainer_.learning_rate(), rollbacks_,
                  options_.max_rollbacks));
  record_->rollback(trainer_.epoch(), trainer_.updates(), trainer_.owes_a_report(), divergence.where(),
                    trainer_.learning_rate(), static_cast<int>(rollbacks_));
  saver_->save();  // the attempt and its rate belong to the checkpoint
}

void Training::stop() {
  saver_->finish();
  record_->stop(StopReason::stopped, progress_.status().epoch, progress_.status().step);
  const int signal = signals_->received();
  say(fmt::format("stopped   by {} after update {}; go on with: unroll train --resume {}", name_of(signal),
                  with_commas(trainer_.updates()), for_shell(directory_.path())));
  throw StoppedBySignal{signal};
}

std::string Training::outcome() const {
  const std::int64_t epochs = progress_.last().epoch;
  // Of the last whole epoch, or where training ended before that, of what there was of the first.
  const double loss = epochs > 0 ? progress_.last().loss : progress_.status().loss;
  std::optional<ValidationResult> best;
  if (trainer_.best()) best = result_of(*trainer_.best(), texts_);
  if (!options_.json) {
    if (!best) return fmt::format("model {}, perplexity {}\n", directory_.model_path(), four_digits(std::exp(loss)));
    return fmt::format("model {}, validation perplexity {}, {:.4g} bits per symbol, after update {}\n",
                       directory_.model_path(), four_digits(std::exp(best->loss)), best->bits_per_symbol,
                       with_commas(best->step));
  }
  Json outcome;
  outcome["model"] = directory_.model_path();
  outcome["epochs"] = epochs;
  outcome["loss"] = loss;
  outcome["perplexity"] = std::exp(loss);
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
