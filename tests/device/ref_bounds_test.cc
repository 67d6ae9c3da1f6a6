// Tests of the test tools: random numbers, derivatives, error bounds.

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "support/bounds.h"
#include "support/gradient_check.h"
#include "support/random_data.h"

namespace unroll::test {
namespace {

using Bounded = Tracked<float>;
constexpr double u = unit_roundoff<float>();

TEST(RandomData, IsTheSameEverywhereAndExactInFloat) {
  RandomData data(1);
  constexpr std::int64_t published = 0x910a2dec89025cc1u >> 40;  // the first output of SplitMix64 for seed 1
  EXPECT_EQ(data.next(), static_cast<float>(published) / 8388608 - 1);
  RandomData floats(7), doubles(7);
  const std::vector<float> f = floats.uniform<float>(1000, 0.3f);
  const std::vector<double> d = doubles.uniform<double>(1000, 0.3f);
  double sum = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    EXPECT_EQ(static_cast<double>(f[i]), d[i]);
    EXPECT_LE(std::abs(f[i]), 0.3f);
    sum += d[i];
  }
  EXPECT_LT(std::abs(sum / 1000), 0.3 / std::sqrt(3.0) * 4 / std::sqrt(1000.0))
      << "the mean, within four of its deviations";
}

TEST(RandomData, IdsCoverTheirRange) {
  RandomData data(3);
  const std::vector<std::int32_t> ids = data.ids(200, 5);
  EXPECT_THAT(std::set<std::int32_t>(ids.begin(), ids.end()), testing::ElementsAre(0, 1, 2, 3, 4));
}

TEST(GradientCheck, ComplexStepIsExactAndDifferencesAreClose) {
  const auto f = [](const auto& x) { return exp(x[0]) * tanh(x[1]) / x[2]; };
  const std::vector<double> x = {0.3, -1.2, 2.5};
  const double value = std::exp(x[0]) * std::tanh(x[1]) / x[2];
  const std::vector<double> expected = {value, std::exp(x[0]) * (1 - std::pow(std::tanh(x[1]), 2)) / x[2],
                                        -value / x[2]};
  const std::vector<double> exact = complex_step_gradient(f, x), close = central_difference_gradient(f, x);
  for (std::size_t k = 0; k < x.size(); ++k) {
    EXPECT_NEAR(exact[k], expected[k], 4e-16);
    EXPECT_NEAR(close[k], expected[k], 1e-10);
  }
}

TEST(Tracked, GivesTheTextbookBoundOfADotProductInAnyOrder) {
  RandomData data(11);
  const std::vector<double> a = data.uniform<double>(100), b = data.uniform<double>(100);
  Bounded forwards(0), backwards(0);
  double magnitude = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    forwards = forwards + Bounded(a[k]) * Bounded(b[k]);
    backwards = backwards + Bounded(a[99 - k]) * Bounded(b[99 - k]);
    magnitude += std::abs(a[k] * b[k]);
  }
  EXPECT_NEAR(forwards.error() / dot_bound(100, magnitude), 1, 1e-4);
  EXPECT_NEAR(forwards.error(), backwards.error(), 1e-15);
}

TEST(Tracked, KeepsExactThingsExact) {
  EXPECT_EQ(Bounded(0.1).error(), 0);
  EXPECT_EQ((-Bounded(0.1)).error(), 0);
  EXPECT_EQ((-Bounded(0.1)).value(), -0.1);
}

/// Every single operation in float stays within its bound, and the bound is at most a few units in the last place.
TEST(Tracked, BoundsEachOperation) {
  BoundReport report("single float operations");
  RandomData data(12);
  for (int i = 0; i < 20000; ++i) {
    const float x = data.next() * 8, y = data.next() * 8;
    const float magnitude = std::abs(x);
    const Bounded bx(x), by(y), bm(magnitude);
    const auto add = [&](float actual, const Bounded& bound, const char* name) {
      report.add(actual, bound.value(), bound.error(), name);
    };
    add(x + y, bx + by, "+");
    add(x - y, bx - by, "-");
    add(x * y, bx * by, "*");
    add(x / y, bx / by, "/");
    add(x * (1 / y), bx / by, "* 1 /");
    add(std::exp(x), exp(bx), "exp");
    add(std::tanh(x), tanh(bx), "tanh");
    add(std::log(magnitude), log(bm), "log");
    add(std::sqrt(magnitude), sqrt(bm), "sqrt");
    EXPECT_LE((bx * by).error(), 1.001 * u * std::abs((bx * by).value()) + 1e-36);
    EXPECT_LE(exp(bx).error(), 8.001 * u * exp(bx).value());
  }
}

/// Functions multiply the error of their argument by their slope. Here the argument is a sum of twenty terms with its
/// rounding errors.
TEST(Tracked, CarriesErrorsThroughFunctions) {
  BoundReport report("carried errors");
  RandomData data(13);
  for (int i = 0; i < 2000; ++i) {
    float sum = 0;
    Bounded bound(0);
    for (int k = 0; k < 20; ++k) {
      const float x = data.next();
      sum += x;
      bound = bound + Bounded(x);
    }
    const Bounded square = bound * bound + Bounded(0.5);
    const float computed = sum * sum + 0.5f;
    report.add(std::exp(sum), exp(bound).value(), exp(bound).error(), "exp");
    report.add(std::tanh(sum), tanh(bound).value(), tanh(bound).error(), "tanh");
    report.add(std::log(computed), log(square).value(), log(square).error(), "log");
    report.add(std::sqrt(computed), sqrt(square).value(), sqrt(square).error(), "sqrt");
    report.add(1 / computed, (Bounded(1) / square).value(), (Bounded(1) / square).error(), "1 /");
  }
}

TEST(Tracked, KnowsWhereTheSlopeOfReluIsUncertain) {
  const Bounded nearly_zero = Bounded(1) + Bounded(-1 - 1e-9);  // may be positive or negative in float
  EXPECT_EQ(relu(Bounded(-1)).error(), 0);
  EXPECT_GT(relu(nearly_zero).error(), 0);
  EXPECT_EQ(relu_slope(relu(Bounded(-1))).error(), 0);
  EXPECT_EQ(relu_slope(relu(Bounded(1))).error(), 0);
  EXPECT_EQ(relu_slope(relu(nearly_zero)).error(), 1);
}

TEST(BoundReport, FailsAboveTheBoundAndOnWhatIsNotFinite) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(), infinity = std::numeric_limits<double>::infinity();
  const auto report = [](double actual, double expected, double bound) {
    BoundReport inner("inner");
    inner.add(actual, expected, bound, "part", 3);
  };
  report(1.0, 1.1, 0.11);
  report(2, 2, 0);
  EXPECT_NONFATAL_FAILURE(report(1.0, 1.1, 0.09), "part[3]");
  EXPECT_NONFATAL_FAILURE(report(nan, nan, 1), "inner");
  EXPECT_NONFATAL_FAILURE(report(infinity, infinity, 1), "inner");
  EXPECT_NONFATAL_FAILURE(report(nan, 1, 1), "inner");
  EXPECT_NONFATAL_FAILURE(report(1, nan, 1), "inner");
  EXPECT_NONFATAL_FAILURE(report(1, infinity, 1), "inner");
  EXPECT_NONFATAL_FAILURE(report(1, 2, nan), "inner");
  EXPECT_NONFATAL_FAILURE(report(1, 2, 0), "inner");
  EXPECT_NONFATAL_FAILURE(BoundReport("nothing"), "nothing was compared");
}

}  // namespace
}  // namespace unroll::test
