#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "unroll/parameters.h"

namespace unroll {

/// Detects a loss that grows far beyond its beginning but stays finite: the mean over the last 20 updates exceeds 1.5
/// times the reference. For a task with a uniform guess that is the larger of it and of the loss of the first update,
/// which no update has spoilt yet; else it is the mean over the first 20 updates.
class LossExplosion {
 public:
  /// `uniform_loss`: of a prediction that gives every outcome the same probability, in nats.
  explicit LossExplosion(std::optional<double> uniform_loss) : uniform_loss_(uniform_loss) {}

  /// Adds the mean loss of an update. Returns true if the loss has exploded.
  bool add(double loss);
  double recent_mean() const;  ///< over the last 20 updates, of which there must be as many
  /// The reference for messages: "a uniform guess, 6.93", "the first update, 7.1", "the first 20, 0.52".
  std::string reference_text() const;
  void visit_state(StateVisitor& visitor);

 private:
  static constexpr std::int64_t window = 20;
  static constexpr double factor = 1.5;

  double reference() const;

  std::optional<double> uniform_loss_;
  std::array<float, window> recent_{};  // the loss of update u, from 0, is at u % window
  double first_loss_ = 0;
  double first_sum_ = 0;  // over the first `window` updates
  std::int64_t count_ = 0;
};

}  // namespace unroll
