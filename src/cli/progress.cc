#include "cli/progress.h"

#include <fmt/format.h>

#include <cmath>

#include "cli/format.h"

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
  epoch_began_ = monotonic_seconds();
}

void Progress::step_done(std::int64_t epoch, std::int64_t, double loss) {
  ++steps_done_;
  loss_sum_ += loss;
  if (!live_.due()) return;
  const double part = static_cast<double>(steps_done_) / static_cast<double>(options_.steps_per_epoch);
  live_.show(
      fmt::format("epoch {} of {}, step {} of {}, perplexity {}{}", epoch, options_.epochs, steps_done_,
                  options_.steps_per_epoch, four_digits(std::exp(loss_sum_ / static_cast<double>(steps_done_))),
                  time_left(static_cast<double>(epoch - 1) + part, seconds_ + monotonic_seconds() - epoch_began_)));
}

void Progress::epoch_done(const Report& report) {
  last_ = report;
  seconds_ += report.seconds;
  if (report.epoch % options_.report_every == 0 || report.epoch == options_.epochs) {
    live_.clear();
    say(fmt::format("epoch {} perplexity {}, {} symbols/s{}", report.epoch, four_digits(report.perplexity),
                    rate(report.symbols_per_second), time_left(static_cast<double>(report.epoch), seconds_)));
    say_continuations();
  }
  steps_done_ = 0;
  loss_sum_ = 0;
  epoch_began_ = monotonic_seconds();
}

void Progress::say_continuations() {
  for (const std::string& prefix : options_.prefixes) {
    say(list_item(generate(model_, prefix, {.length = options_.sample_length, .seed = options_.seed})));
  }
}

std::string Progress::time_left(double epochs_done, double seconds) const {
  const double left = static_cast<double>(options_.epochs) - epochs_done;
  return left <= 0 ? "" : fmt::format(", {} left", duration(seconds / epochs_done * left));
}

}  // namespace unroll::cli
