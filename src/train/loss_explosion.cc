#include "train/loss_explosion.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/require.h"

namespace unroll {

bool LossExplosion::add(double loss) {
  recent_[static_cast<std::size_t>(count_ % window)] = static_cast<float>(loss);
  if (count_ == 0) first_loss_ = loss;
  if (count_ < window) first_sum_ += loss;
  ++count_;
  return count_ >= window && recent_mean() > factor * reference();
}

double LossExplosion::recent_mean() const {
  return std::accumulate(recent_.begin(), recent_.end(), 0.0) / static_cast<double>(window);
}

double LossExplosion::reference() const {
  return uniform_loss_ ? std::max(*uniform_loss_, first_loss_) : first_sum_ / static_cast<double>(window);
}

std::string LossExplosion::reference_text() const {
  const char* const what = !uniform_loss_                  ? "the first 20"
                           : *uniform_loss_ >= first_loss_ ? "a uniform guess"
                                                           : "the first update";
  return fmt::format("{}, {:.4g}", what, reference());
}

void LossExplosion::visit_state(StateVisitor& visitor) {
  constexpr double largest = std::numeric_limits<double>::max();
  visitor.visit("count", count_, 0, max_count);
  visitor.visit("first_loss", first_loss_, -largest, largest);
  visitor.visit("first_sum", first_sum_, -largest, largest);
  visitor.visit("recent", recent_);
}

}  // namespace unroll
