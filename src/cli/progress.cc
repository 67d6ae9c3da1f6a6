#include "cli/progress.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "cli/format.h"
#include "cli/output.h"

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

}  // namespace

void Progress::begin() {
  log_message("epoch 0, before training");
  log_continuations();
}

void Progress::resume(std::int64_t updates, const nlohmann::ordered_json& kept) {
  const auto number = [&](const char* key) {
    return kept.contains(key) && kept[key].is_number() ? kept[key].get<double>() : 0.0;
  };
  seconds_ = number("seconds");
  last_.epoch = kept.value("epoch", std::int64_t{0});
  last_.loss = number("loss");
  last_.perplexity = std::exp(last_.loss);
  status_.loss = last_.loss;
  status_.perplexity = last_.perplexity;
  status_.epoch = (updates + options_.steps_per_epoch - 1) / options_.steps_per_epoch;
  status_.update = updates;
  status_.gradient_norm = number("gradient_norm");
  status_.learning_rate = number("learning_rate");
  validation_.reset();
}

nlohmann::ordered_json Progress::kept() const {
  return {{"seconds", seconds_},
          {"epoch", last_.epoch},
          {"loss", last_.epoch > 0 ? last_.loss : status_.loss},
          {"gradient_norm", status_.gradient_norm},
          {"learning_rate", status_.learning_rate}};
}

void Progress::step_done(const StepReport& report) {
  ++steps_taken_;
  status_.epoch = report.epoch;
  status_.update = report.update;
  status_.loss = report.epoch_loss;
  status_.perplexity = std::exp(report.epoch_loss);
  status_.gradient_norm = report.gradient_norm;
  status_.learning_rate = report.learning_rate;
  status_.symbols_per_second = report.epoch_symbols_per_second;
  status_.seconds = seconds_ + report.epoch_seconds;
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
  const TrainingStatus& now = status_;
  const std::int64_t update = now.update - (now.epoch - 1) * options_.steps_per_epoch;
  const std::int64_t steps = options_.steps_per_epoch;
  const std::string loss = fmt::format("loss {}", four_digits(now.loss));
  const std::string norm = four_digits(now.gradient_norm);
  const std::string gone = duration(now.seconds) + " gone";
  const std::string left = duration(seconds_left()) + " left";
  live_.show({{fmt::format("epoch {} of {}", now.epoch, options_.epochs),
               fmt::format("epoch {}/{}", now.epoch, options_.epochs), 0},
              {fmt::format("step {} of {}", update, steps), fmt::format("step {}/{}", update, steps), 3},
              {loss, loss, 5},
              {"perplexity " + four_digits(now.perplexity), "ppl " + four_digits(now.perplexity), 1},
              {"gradient norm " + norm, "norm " + norm, 6},
              {rate(now.symbols_per_second) + " symbols/s", rate(now.symbols_per_second) + "/s", 4},
              {gone, gone, 7},
              {left, left, 2}});
}

void Progress::validated(const ValidationResult& result) {
  validation_ = result;
  if (!options_.validates_within_epochs) return;  // the epoch's line includes it
  log_message(fmt::format("update {} validation perplexity {}, {:.4g} bits per symbol, {:.4g} per byte{}",
                          with_commas(result.update), four_digits(std::exp(result.loss)), result.bits_per_symbol,
                          result.bits_per_byte, result.best ? ", the best so far" : ""));
}

bool Progress::epoch_done(const EpochReport& report) {
  last_ = report;
  seconds_ += report.seconds;
  status_.loss = report.loss;
  status_.perplexity = report.perplexity;
  status_.symbols_per_second = report.symbols_per_second;
  status_.seconds = seconds_;
  const bool shown = report.epoch % options_.report_every == 0 || report.epoch == options_.epochs;
  if (shown) {
    std::string line = fmt::format("epoch {} perplexity {}", report.epoch, four_digits(report.perplexity));
    if (validation_ && !options_.validates_within_epochs) {
      line += fmt::format(", validation {}{}", four_digits(std::exp(validation_->loss)),
                          validation_->best ? " (the best so far)" : "");
    }
    line += fmt::format(", {} symbols/s", rate(report.symbols_per_second));
    if (report.epoch < options_.epochs && steps_taken_ > 0) line += fmt::format(", {} left", duration(seconds_left()));
    log_message(line);
  }
  validation_.reset();
  return shown;
}

void Progress::log_continuations() {
  for (const std::string& prefix : options_.prefixes) {
    const std::string text = generate(model_, prefix, {.length = options_.sample_length, .seed = options_.seed});
    log_message(list_item(text));
    options_.on_sample(status_, prefix, text);
  }
}

double Progress::seconds_left() const {
  const std::int64_t left = options_.epochs * options_.steps_per_epoch - status_.update;
  return (monotonic_seconds() - began_) / static_cast<double>(steps_taken_) * static_cast<double>(left);
}

}  // namespace unroll::cli
