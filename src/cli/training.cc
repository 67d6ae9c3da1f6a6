#include "cli/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <nlohmann/json.hpp>
#include <numbers>
#include <utility>

#include "base/fingerprint.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/training_plan.h"
#include "cli/words.h"
#include "model/model_json.h"
#include "train/agreement.h"
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
          .slices = *o.slices,
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

Training::Training(const TrainOptions& options, const GivenSettings& given, const Texts& texts, RunDirectory& directory,
                   Communicator& ranks)
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
                   record_->sample(now.epoch, now.step, prefix, text);
                 }}) {
  GivenSettings kept = settings_to_keep(options, given);
  fixed_about_ = {{"settings", settings_json(kept)},
                  {"unroll_version", UNROLL_VERSION},
                  {"config", config_json({.options = model_.options(), .vocabulary_size = model_.vocabulary().size()})},
                  {"vocabulary", vocabulary_json(model_.vocabulary())}};
  // Files may lie elsewhere on another host, and its threads are its own business.
  for (const char* own : {"FILE", "validation", "threads"}) kept.erase(own);
  for (const auto& [name, values] : kept) settings_of_all_ += fmt::format("--{} {}\n", name, fmt::join(values, " "));
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
  trainer_.stop_where([this] { return signals_->received() != 0; });
  trainer_.on_step([this](const StepReport& report) {
    if (leads()) show(report);
    saver_->step_done();
  });
  if (!leads()) return;
  trainer_.on_validation([this](const Validation& validation) {
    const ValidationResult result = result_of(validation, texts_);
    progress_.validated(result);
    record_->validation(result);
  });
  trainer_.on_epoch([this](const Report& report) {
    const bool shown = progress_.epoch_done(report);
    if (shown || record_->due(true)) record_status();
    if (shown && signals_->received() == 0) progress_.say_continuations();
  });
}

void Training::show(const StepReport& report) {
  StepReport step = report;
  step.learning_rate = as_written(report.learning_rate);
  progress_.step_done(step);
  if (report.step < trainer_.steps_per_epoch() && record_->due(false)) record_status();
}

void Training::record_status() {
  const TrainingStatus& now = progress_.status();
  record_->report(now);
  paces_->report(*record_, now.epoch, now.step, trainer_.paces());
}

void Training::begin() {
  // Logarithms and cosines, from which random weights are made, may differ from host to host.
  take_from_first(ranks_, model_.parameters().values());
  model_.parameters().updated();
  if (leads()) {
    record_->start(start_fields(options_, texts_, model_, trainer_, ranks_.size()));
    progress_.begin();
  }
  saver_->save();
}

void Training::go_on() {
  if (leads()) {
    record_->resume(trainer_.epoch(), trainer_.updates(), trainer_.owes_a_report(), *options_.epochs,
                    as_written(trainer_.learning_rate()));
  }
  say(fmt::format("resume    after update {}, in epoch {}; rate {:.4g}", with_commas(trainer_.updates()),
                  trainer_.epoch(), trainer_.learning_rate()));
  if (trainer_.finished()) {
    say(fmt::format("finished  {}; --extend-epochs trains on", trainer_.out_of_patience()
                                                                   ? "before, since validation found nothing better"
                                                                   : counted(*options_.epochs, "epoch")));
  }
  if (other_course_) saver_->save();  // or it would be forgotten if this process were killed
}

/// What would make the ranks work on different things.
void Training::check_ranks() const {
  const auto fingerprint = [](std::span<const std::int32_t> ids) {
    return hex(fingerprint_of({reinterpret_cast<const char*>(ids.data()), ids.size_bytes()}));
  };
  const std::array facts = {Fact{"text", fingerprint(texts_.training.ids())},
                            Fact{"vocabulary", hex(fingerprint_of(fixed_about_.at("vocabulary")))},
                            Fact{"validation text", fingerprint(texts_.held_out)}, Fact{"setting", settings_of_all_},
                            Fact{"checkpoint", fmt::format("that of update {}", trainer_.updates())}};
  require_same(ranks_, facts);
}

void Training::occupy_directory() {
  together(ranks_, [this] {
    if (!leads()) return;
    directory_.create();
    if (options_.file == "-" && !goes_on_) keep_text(texts_, directory_.text_path());
  });
  require_shared(directory_.path(), ranks_);
}

void Training::run() {
  signals_.emplace();
  check_ranks();
  occupy_directory();
  say_plan(options_, texts_, model_, trainer_, directory_.path(), ranks_.size());
  if (leads()) record_.emplace(directory_.path());
  paces_.emplace(ranks_);
  saver_.emplace(model_, trainer_, ranks_,
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
  record_stop(StopReason::finished);
}

void Training::record_stop(StopReason reason) {
  if (leads()) record_->stop(reason, progress_.status().epoch, progress_.status().step);
}

/// Until the end, however often it goes back.
void Training::train() {
  for (;;) {
    try {
      trainer_.run();
      if (!trainer_.finished()) stop();
      return together(ranks_, [this] { saver_->finish(); });
    } catch (const Diverged& divergence) {
      roll_back(divergence);
    }
  }
}

void Training::roll_back(const Diverged& divergence) {
  const std::optional<StoredCheckpoint> good = rollbacks_ < options_.max_rollbacks ? saver_->roll_back() : std::nullopt;
  if (!good) {
    if (leads()) record_->stop(StopReason::diverged, trainer_.epoch(), trainer_.updates());
    throw divergence;
  }
  ++rollbacks_;
  progress_.go_on(trainer_.updates(), Json::parse(good->about("run")));
  trainer_.set_learning_rate(trainer_.learning_rate() / 2);
  say(fmt::format("warning   training diverged in {}; back to update {} with half the rate, {:.4g}; attempt {} of {}",
                  divergence.where(), with_commas(trainer_.updates()), trainer_.learning_rate(), rollbacks_,
                  options_.max_rollbacks));
  if (leads()) {
    record_->rollback(trainer_.epoch(), trainer_.updates(), trainer_.owes_a_report(), divergence.where(),
                      trainer_.learning_rate(), static_cast<int>(rollbacks_));
  }
  saver_->save();  // the attempt and its rate belong to the checkpoint
}

void Training::stop() {
  together(ranks_, [this] { saver_->finish(); });
  const std::vector<int> received = all_of(ranks_, signals_->received());
  const int signal = *std::max_element(received.begin(), received.end());
  say(fmt::format("stopped   by {} after update {}; go on with: unroll train --resume {}", name_of(signal),
                  with_commas(trainer_.updates()), for_shell(directory_.path())));
  record_stop(StopReason::stopped);
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
  outcome["ranks"] = ranks_.size();
  return to_text(outcome);
}

}  // namespace unroll::cli
