#include "run/checkpoint_interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "unroll/format.h"

namespace unroll {

namespace {

constexpr double operations_between = 3e13;  // five minutes at 100 Gflop/s

constexpr std::int64_t max_updates = 1'000'000'000'000;
constexpr std::int64_t max_time = 1'000'000;  // in seconds, minutes or hours

/// 0 if the letter is not a unit of time.
double seconds_of(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    default:
      return 0;
  }
}

CheckpointInterval parse_interval(const std::string& text) {
  using options::parse_whole_number;
  try {
    const double unit = text.empty() ? 0 : seconds_of(text.back());
    if (unit == 0) return {.updates = parse_whole_number(text, 1, max_updates)};
    const std::int64_t count = parse_whole_number(text.substr(0, text.size() - 1), 1, max_time);
    return {.seconds = unit * static_cast<double>(count)};
  } catch (const IllegalValue&) {
    throw IllegalValue{"a number of updates from 1 on, or a time such as 30s, 5m or 2h"};
  }
}

/// In hours or minutes where seconds are beyond the range of parse_interval().
std::string text_of(const CheckpointInterval& interval) {
  if (interval.updates != 0) return std::to_string(interval.updates);
  for (const char unit : {'h', 'm'}) {
    if (std::fmod(interval.seconds, seconds_of(unit)) == 0) {
      return fmt::format("{}{}", interval.seconds / seconds_of(unit), unit);
    }
  }
  return fmt::format("{}s", interval.seconds);
}

}  // namespace

Option checkpoint_every_option(std::optional<CheckpointInterval>& field) {
  return {.name = "checkpoint-every",
          .value_name = "N|TIME",
          .initial = "about five minutes",
          .help = "updates, or a time such as 5m, from one checkpoint to the next",
          .assign = [&field](const std::string& value) { field = parse_interval(value); },
          .values = [&field] { return field ? std::vector{text_of(*field)} : std::vector<std::string>(); },
          .on_resume = OnResume::changes_updates};
}

std::string description(const CheckpointInterval& interval) {
  return interval.updates > 0 ? counted(interval.updates, "update") : duration(interval.seconds);
}

CheckpointInterval default_checkpoint_interval(double operations) {
  const double updates = std::clamp(operations_between / operations, 1.0, 1e6);
  const double unit = std::pow(10.0, std::floor(std::log10(updates)));
  return {.updates = std::llround(std::round(updates / unit) * unit)};
}

}  // namespace unroll
