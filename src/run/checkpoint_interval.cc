#include "run/checkpoint_interval.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/format.h"

namespace unroll {

namespace {

constexpr double operations_between = 3e13;  // five minutes at 100 Gflop/s

}  // namespace

std::string description(const CheckpointInterval& interval) {
  return interval.updates > 0 ? counted(interval.updates, "update") : duration(interval.seconds);
}

CheckpointInterval default_checkpoint_interval(double operations) {
  const double updates = std::clamp(operations_between / operations, 1.0, 1e6);
  const double unit = std::pow(10.0, std::floor(std::log10(updates)));
  return {.updates = std::llround(std::round(updates / unit) * unit)};
}

}  // namespace unroll
