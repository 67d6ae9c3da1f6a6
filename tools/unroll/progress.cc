#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "format.h"
#include "output.h"
#include "training_plan.h"
#include "unroll/run_history.h"
#include "unroll/session.h"

namespace unroll::cli {

namespace {

/// A measured rate, rounded to three significant digits.
std::string rate(double per_second) {
  const double unit = std::pow(10.0, std::floor(std::log10(std::max(per_second, 1.0))) - 2);
  return with_commas(std::llround(unit > 1 ? std::round(per_second / unit) * unit : per_second));
}

/// A continuation as an item of a list; its lines after the first are indented.
std::string list_item(const std::string& text) {
  std::string item = " - ";
  for (const char c : text) {
    item += c;
    if (c == '\n') item += "   ";
  }
  return item;
}

constexpr const char* curve_name = "curve.svg";

void log_warning(const std::string& what) { log_message("warning   " + one_line(what)); }

}  // namespace

Progress::Progress(LanguageRun& run, std::function<bool()> stops)
    : options_(run.options()),
      model_(run.model()),
      task_(run.task()),
      language_run_(run),
      run_(run.run()),
      stops_(std::move(stops)),
      curve_((std::filesystem::path(run.run().directory()) / curve_name).string(), log_warning) {}

void Progress::on_begin() {
  log_plan(language_run_);
  std::error_code ignored;
  std::filesystem::remove(std::filesystem::path(run_.directory()) / curve_name, ignored);
  log_message("epoch 0, before training");
  log_continuations();
}

void Progress::on_resume() {
  log_plan(language_run_);
  const Trainer& trainer = run_.trainer();
  log_message(fmt::format("resume    after update {}, in epoch {}; rate {:.4g}", with_commas(trainer.updates()),
                          trainer.epoch(), trainer.learning_rate()));
  log_change_of_rate();
  if (!trainer.finished()) return;
  log_message(fmt::format("finished  {}; --extend-epochs trains on",
                          trainer.out_of_patience() ? "before, since validation found nothing better"
                                                    : counted(*options_.epochs, "epoch")));
}

/// More epochs stretch a schedule over a longer run, so that the rate jumps where the run goes on.
void Progress::log_change_of_rate() {
  const Trainer& trainer = run_.trainer();
  const ScheduleOptions options = options_.optimizer.schedule_options();
  if (options_.extend_epochs == 0 || trainer.updates() == 0 || options.kind != ScheduleKind::cosine) return;
  const auto rate_of = [&](std::int64_t epochs, std::int64_t update) {
    const Schedule schedule(options, {.epochs = epochs, .updates_per_epoch = trainer.steps_per_epoch()});
    return trainer.learning_rate() * schedule.factor(update);
  };
  log_message(fmt::format("rate      from {:.3g} to {:.3g}: {} is spread over {} now",
                          rate_of(*options_.epochs - options_.extend_epochs, trainer.updates() - 1),
                          rate_of(*options_.epochs, trainer.updates()), unroll::name_of(options.kind),
                          counted(*options_.epochs, "epoch")));
}

void Progress::on_step(const StepReport&) {
  ++steps_taken_;
  if (!expectation_said_) log_time_left();
  if (live_.due()) show();
}

/// Logs the expected time once it can be estimated from the first steps, and only if it is long.
void Progress::log_time_left() {
  constexpr double long_enough_to_tell = 3, long_enough_to_say = 10;
  if (monotonic_seconds() - began_ < long_enough_to_tell) return;
  expectation_said_ = true;
  const double left = seconds_left();
  if (left > long_enough_to_say) log_message(fmt::format("time      about {} left", duration(left)));
}

void Progress::show() {
  const RunStatus& now = run_.status();
  const std::int64_t steps = run_.trainer().steps_per_epoch(), step = now.update - (now.epoch - 1) * steps;
  const std::string perplexity = four_digits(value_of(task_.metrics(now.loss), "perplexity"));
  const std::string loss = fmt::format("loss {}", four_digits(now.loss));
  const std::string norm = four_digits(now.gradient_norm);
  const std::string gone = duration(now.seconds) + " gone";
  const std::string left = duration(seconds_left()) + " left";
  live_.show({{fmt::format("epoch {} of {}", now.epoch, *options_.epochs),
               fmt::format("epoch {}/{}", now.epoch, *options_.epochs), 0},
              {fmt::format("step {} of {}", step, steps), fmt::format("step {}/{}", step, steps), 3},
              {loss, loss, 5},
              {"perplexity " + perplexity, "ppl " + perplexity, 1},
              {"gradient norm " + norm, "norm " + norm, 6},
              {rate(now.symbols_per_second) + " symbols/s", rate(now.symbols_per_second) + "/s", 4},
              {gone, gone, 7},
              {left, left, 2}});
}

void Progress::on_report(const RunStatus&) {
  if (curve_.due()) curve_.start({run_.directory(), run_.history()});
}

void Progress::on_validation(const ValidationReport& report) {
  validation_ = report;
  if (options_.validate_every == 0) return;  // the epoch's line includes it
  const std::vector<Metric> metrics = task_.validation_metrics(report.loss);
  log_message(fmt::format("update {} validation perplexity {}, {:.4g} bits per symbol, {:.4g} per byte{}",
                          with_commas(report.update), four_digits(value_of(metrics, "perplexity")),
                          value_of(metrics, "bits_per_symbol"), value_of(metrics, "bits_per_byte"),
                          report.best ? ", the best so far" : ""));
}

void Progress::on_epoch(const EpochReport& report, bool reported) {
  if (reported) {
    std::string line = fmt::format("epoch {} perplexity {}", report.epoch,
                                   four_digits(value_of(task_.metrics(report.loss), "perplexity")));
    if (validation_ && options_.validate_every == 0) {
      line += fmt::format(", validation {}{}",
                          four_digits(value_of(task_.validation_metrics(validation_->loss), "perplexity")),
                          validation_->best ? " (the best so far)" : "");
    }
    line += fmt::format(", {} symbols/s", rate(report.symbols_per_second));
    if (report.epoch < *options_.epochs && steps_taken_ > 0) line += fmt::format(", {} left", duration(seconds_left()));
    log_message(line);
  }
  validation_.reset();
  if (reported && !stops_()) log_continuations();
}

void Progress::on_rollback(const Rollback& rollback) {
  validation_.reset();
  log_message(fmt::format(
      "warning   training diverged in {}; back to update {} with half the rate, {:.4g}; attempt {} of {}",
      rollback.cause, with_commas(rollback.update), rollback.learning_rate, rollback.attempt, options_.max_rollbacks));
}

void Progress::on_slow_rank(const SlowRank& slow) {
  log_message(
      fmt::format("slow      rank {} on {} takes {:.1f} times as long as the others, which wait {:.0f} % of the time",
                  slow.rank, slow.host, slow.times, 100 * slow.waiting));
}

void Progress::on_warning(const std::string& what) { log_warning(what); }

void Progress::on_end(StopReason) { curve_.finish({run_.directory(), run_.history()}); }

void Progress::log_continuations() {
  for (const std::string& prefix : options_.prefixes) {
    const std::string text = generate(model_, prefix, {.length = options_.sample_length, .seed = options_.seed});
    log_message(list_item(text));
    run_.log_event("sample", to_text({{"prefix", prefix}, {"text", text}}));
  }
}

double Progress::seconds_left() const {
  const std::int64_t left = *options_.epochs * run_.trainer().steps_per_epoch() - run_.status().update;
  return (monotonic_seconds() - began_) / static_cast<double>(steps_taken_) * static_cast<double>(left);
}

}  // namespace unroll::cli
