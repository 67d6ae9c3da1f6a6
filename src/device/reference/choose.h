#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace unroll::ref {

/// Device::choose for one row; -1 if a logit is not finite.
inline std::int32_t choose(std::span<const float> logits, double temperature, double fraction) {
  if (!std::all_of(logits.begin(), logits.end(), [](float x) { return std::isfinite(x); })) return -1;
  const auto largest = std::max_element(logits.begin(), logits.end());
  if (temperature == 0) return static_cast<std::int32_t>(largest - logits.begin());
  const auto weight = [&](float logit) {
    return std::exp((static_cast<double>(logit) - static_cast<double>(*largest)) / temperature);
  };
  double total = 0, sum = 0;
  for (const float logit : logits) total += weight(logit);
  std::size_t column = 0;
  for (; column + 1 < logits.size(); ++column) {
    sum += weight(logits[column]);
    if (sum > fraction * total) break;
  }
  return static_cast<std::int32_t>(column);
}

}  // namespace unroll::ref
