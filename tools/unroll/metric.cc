#include "metric.h"

#include <fmt/format.h>

#include <cmath>

#include "format.h"

namespace unroll::cli {

std::string score_text(double score) {
  return std::abs(score) < 10 ? fmt::format("{:.4f}", score) : four_digits(score);
}

}  // namespace unroll::cli
