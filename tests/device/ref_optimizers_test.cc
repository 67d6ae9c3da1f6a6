#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "device/reference/optimizers.h"
#include "support/bounds.h"
#include "support/random_data.h"

namespace unroll::test {
namespace {

AdamStep step_number(int t, float beta1 = 0.9f, float beta2 = 0.999f) {
  AdamStep step{};
  step.learning_rate = 1e-2f;
  step.beta1 = beta1;
  step.beta2 = beta2;
  step.epsilon = 1e-8f;
  step.correction1 = static_cast<float>(1 - std::pow(static_cast<double>(beta1), t));
  step.correction2 = static_cast<float>(1 - std::pow(static_cast<double>(beta2), t));
  return step;
}

TEST(RefSgd, GoesAgainstTheGradient) {
  double value = 1;
  ref::sgd(0.25f, 3.0, value);
  EXPECT_EQ(value, 0.25);
}

TEST(RefMomentum, VelocityAddsUpAndNesterovLooksAhead) {
  double velocity = 2, value = 10;
  ref::sgd_momentum({.learning_rate = 0.5, .momentum = 0.25, .nesterov = false}, 3.0, velocity, value);
  EXPECT_EQ(velocity, 3.5);
  EXPECT_EQ(value, 10 - 0.5 * 3.5);
  velocity = 2, value = 10;
  ref::sgd_momentum({.learning_rate = 0.5, .momentum = 0.25, .nesterov = true}, 3.0, velocity, value);
  EXPECT_EQ(velocity, 3.5);
  EXPECT_EQ(value, 10 - 0.5 * (3 + 0.25 * 3.5));
}

TEST(RefRmsProp, DividesByTheRootOfTheMeanSquare) {
  double square = 16, value = 1;
  ref::rmsprop({.learning_rate = 0.5, .alpha = 0.75, .epsilon = 1}, 2.0, square, value);
  EXPECT_EQ(square, 13);
  EXPECT_DOUBLE_EQ(value, 1 - 0.5 * 2 / (std::sqrt(13.0) + 1));
}

TEST(RefClamped, KeepsNan) {
  EXPECT_EQ(ref::clamped(0.5f, 3.0), 0.5);
  EXPECT_EQ(ref::clamped(0.5f, -3.0), -0.5);
  EXPECT_EQ(ref::clamped(0.5f, -0.25), -0.25);
  EXPECT_TRUE(std::isnan(ref::clamped(0.5f, std::numeric_limits<double>::quiet_NaN())));
}

TEST(RefAdam, WeightDecayDoesNotPassThroughTheMoments) {
  AdamStep step = step_number(1);
  step.learning_rate = 0.5;
  step.weight_decay = 0.25;
  double m = 0, v = 0, value = 8;
  ref::adam(step, 0.0, m, v, value);
  EXPECT_EQ(m, 0);
  EXPECT_EQ(v, 0);
  EXPECT_EQ(value, 8 - 0.5 * 0.25 * 8);
}

TEST(RefAdam, WithoutMemoryAStepIsTheSignOfTheGradient) {
  AdamStep step{};
  step.learning_rate = 1;
  step.correction1 = step.correction2 = 1;
  for (const double gradient : {-3.0, 1e-3, 7.0}) {
    double m = 5, v = 5, value = 10;
    ref::adam(step, gradient, m, v, value);
    EXPECT_DOUBLE_EQ(value, gradient < 0 ? 11 : 9);
    EXPECT_EQ(m, gradient);
    EXPECT_EQ(v, gradient * gradient);
  }
}

TEST(RefAdam, EpsilonIsAddedToTheCorrectedRoot) {
  AdamStep step = step_number(1);
  step.epsilon = 3;
  double m = 0, v = 0, value = 0;
  ref::adam(step, 1.0, m, v, value);  // corrected: m = 1, v = 1
  EXPECT_NEAR(value, -0.01 / (1 + 3), 1e-9);
}

/// Compares with the sums that Algorithm 1 unrolls to: m_t = (1 - b1) sum b1^(t-i) g_i.
TEST(RefAdam, MomentsAreExponentialMeans) {
  RandomData data(61);
  double m = 0, v = 0, value = 0.5, expected = 0.5;
  std::vector<double> gradients;
  for (int t = 1; t <= 20; ++t) {
    gradients.push_back(data.next());
    const AdamStep step = step_number(t);
    ref::adam(step, gradients.back(), m, v, value);
    const double beta1 = step.beta1, beta2 = step.beta2;
    double mean = 0, square = 0;
    for (int i = 1; i <= t; ++i) {
      const double g = gradients[static_cast<std::size_t>(i - 1)];
      mean += (1 - beta1) * std::pow(beta1, t - i) * g;
      square += (1 - beta2) * std::pow(beta2, t - i) * g * g;
    }
    EXPECT_NEAR(m, mean, 1e-15);
    EXPECT_NEAR(v, square, 1e-15);
    expected -= static_cast<double>(step.learning_rate) * (mean / (1 - std::pow(beta1, t))) /
                (std::sqrt(square / (1 - std::pow(beta2, t))) + 1e-8);
    EXPECT_NEAR(value, expected, 1e-7 * 0.01 * t) << "the step's corrections are floats";
  }
}

TEST(RefAdam, NanIsNotHidden) {
  float m = 0, v = 0, value = 1;
  ref::adam(step_number(1), std::numeric_limits<float>::quiet_NaN(), m, v, value);
  EXPECT_TRUE(std::isnan(m) && std::isnan(v) && std::isnan(value));
}

TEST(RefAdam, FloatStaysWithinItsBound) {
  BoundReport report("adam in float");
  RandomData data(62);
  for (int i = 0; i < 200; ++i) {
    float m = data.next(), v = std::abs(data.next()), value = data.next();
    Tracked<float> bounded_m(m), bounded_v(v), bounded_value(value);
    for (int t = 1; t <= 3; ++t) {
      const float gradient = data.next();
      ref::adam(step_number(t), gradient, m, v, value);
      ref::adam(step_number(t), Tracked<float>(gradient), bounded_m, bounded_v, bounded_value);
      report.add(m, bounded_m.value(), bounded_m.error(), "m");
      report.add(v, bounded_v.value(), bounded_v.error(), "v");
      report.add(value, bounded_value.value(), bounded_value.error(), "value");
    }
  }
}

}  // namespace
}  // namespace unroll::test
