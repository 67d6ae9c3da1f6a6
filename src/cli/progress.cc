#include "cli/progress.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/format.h"
#include "cli/output.h"

namespace unroll::cli {

namespace {

/// Three digits are what a measured rate is worth.
std::string rate(double per_second) {
  const double unit = std::pow(10.0, std::floor(std::log10(std::max(per_second, 1.0))) - 2);
  return with_commas(std::llround(unit > 1 ? std::round(per_second / unit) * unit : per_second));
}

/// A continuation as an item of a list: its line ends stay, and what follows them is indented.
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
  say("epoch 0, before training");
  say_continuations();
}

void Progress::step_done(std::int64_t epoch, std::int64_t step, double loss, double gradient_norm,
                         double learning_rate) {
  ++steps_done_;
  loss_sum_ += loss;
  status_.epoch = epoch;
  status_.step = (epoch - 1) * options_.steps_per_epoch + step;
  status_.gradient_norm = gradient_norm;
  status_.learning_rate = learning_rate;
  if (live_.due()) show(status());
}

TrainingStatus Progress::status() const {
  TrainingStatus now = status_;
  if (steps_done_ == 0) return now;
  const double seconds = monotonic_seconds() - epoch_began_;
  now.loss = loss_sum_ / static_cast<double>(steps_done_);
  now.perplexity = std::exp(now.loss);
  now.symbols_per_second = static_cast<double>(steps_done_ * options_.symbols_per_step) / seconds;
  now.seconds = seconds_ + seconds;
  return now;
}

void Progress::show(const TrainingStatus& now) {
  const std::int64_t step = now.step - (now.epoch - 1) * options_.steps_per_epoch;
  const std::int64_t steps = options_.steps_per_epoch;
  const double epochs_done = static_cast<double>(now.step) / static_cast<double>(steps);
  const std::string loss = fmt::format("loss {}", four_digits(now.loss));
  const std::string norm = four_digits(now.gradient_norm);
  const std::string gone = duration(now.seconds) + " gone";
  const std::string left = duration(seconds_left(epochs_done, now.seconds)) + " left";
  live_.show({{fmt::format("epoch {} of {}", now.epoch, options_.epochs),
               fmt::format("epoch {}/{}", now.epoch, options_.epochs), 0},
              {fmt::format("step {} of {}", step, steps), fmt::format("step {}/{}", step, steps), 3},
              {loss, loss, 5},
              {"perplexity " + four_digits(now.perplexity), "ppl " + four_digits(now.perplexity), 1},
              {"gradient norm " + norm, "norm " + norm, 6},
              {rate(now.symbols_per_second) + " symbols/s", rate(now.symbols_per_second) + "/s", 4},
              {gone, gone, 7},
              {left, left, 2}});
}

bool Progress::epoch_done(const Report& report) {
  last_ = report;
  seconds_ += report.seconds;
  status_.loss = report.loss;
  status_.perplexity = report.perplexity;
  status_.symbols_per_second = report.symbols_per_second;
  status_.seconds = seconds_;
  const bool shown = report.epoch % options_.report_every == 0 || report.epoch == options_.epochs;
  if (shown) {
    const double left = seconds_left(static_cast<double>(report.epoch), seconds_);
    say(fmt::format("epoch {} perplexity {}, {} symbols/s{}", report.epoch, four_digits(report.perplexity),
                    rate(report.symbols_per_second), left > 0 ? fmt::format(", {} left", duration(left)) : ""));
  }
  steps_done_ = 0;
  loss_sum_ = 0;
  epoch_began_ = monotonic_seconds();
  return shown;
}

void Progress::say_continuations() {
  for (const std::string& prefix : options_.prefixes) {
    const std::string text = generate(model_, prefix, {.length = options_.sample_length, .seed = options_.seed});
    say(list_item(text));
    options_.on_sample(status_, prefix, text);
  }
  epoch_began_ = monotonic_seconds();
}

double Progress::seconds_left(double epochs_done, double seconds) const {
  return seconds / epochs_done * (static_cast<double>(options_.epochs) - epochs_done);
}

}  // namespace unroll::cli
