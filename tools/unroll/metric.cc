#include "metric.h"

#include <fmt/format.h>

#include <cmath>

#include "format.h"

namespace unroll::cli {

std::string score_text(double score) {
  constexpr double rounded_to_zero = 0.00005;
  if (score != 0 && std::abs(score) < rounded_to_zero) return fmt::format("{:.3e}", score);
  return std::abs(score) < 10 ? fmt::format("{:.4f}", score) : four_digits(score);
}

}  // namespace unroll::cli
