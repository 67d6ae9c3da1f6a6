#include "cli/parse_checkpoint_interval.h"

#include <cstdint>

#include "cli/options.h"

namespace unroll::cli {

namespace {

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

}  // namespace

CheckpointInterval parse_checkpoint_interval(const std::string& text) {
  try {
    const double unit = text.empty() ? 0 : seconds_of(text.back());
    if (unit == 0) return {.updates = parse_whole_number(text, 1, max_updates)};
    const std::int64_t count = parse_whole_number(text.substr(0, text.size() - 1), 1, max_time);
    return {.seconds = unit * static_cast<double>(count)};
  } catch (const IllegalValue&) {
    throw IllegalValue{"a number of updates from 1 on, or a time such as 30s, 5m or 2h"};
  }
}

}  // namespace unroll::cli
