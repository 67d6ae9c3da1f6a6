#include <gtest/gtest.h>

#include <complex>
#include <limits>
#include <vector>

#include "device/reference/elementwise.h"
#include "support/bounds.h"
#include "support/gradient_check.h"
#include "support/random_data.h"

namespace unroll::test {
namespace {

constexpr Unary all_unary[] = {Unary::negate, Unary::tanh, Unary::sigmoid, Unary::relu, Unary::exp, Unary::log};
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST(RefUnary, SlopesAreTheComplexStepDerivatives) {
  BoundReport report("slopes of unary operations");
  RandomData data(21);
  for (const Unary op : all_unary) {
    for (int i = 0; i < 200; ++i) {
      const float drawn = data.next() * 5;
      const double x = op == Unary::log ? std::abs(drawn) : drawn;
      const auto f = [op](const auto& v) { return ref::unary(op, v[0]); };
      const Tracked<double> tx(x), slope = ref::unary_slope(op, tx, ref::unary(op, tx));
      report.add(slope.value(), complex_step_gradient(f, {x})[0], 4 * slope.error(), "op",
                 static_cast<std::size_t>(op));
    }
  }
}

TEST(RefUnary, ReluSlopeIsTheCentralDifference) {
  const auto relu = [](const auto& v) { return ref::relu(v[0]); };
  for (const double x : {-3.0, -0.01, 0.01, 2.0}) {
    EXPECT_NEAR(ref::relu_slope(ref::relu(x)), central_difference_gradient(relu, {x})[0], 1e-10);
  }
  EXPECT_EQ(ref::relu_slope(ref::relu(0.0)), 0);
}

template <class Real>
class RefUnarySpecial : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(RefUnarySpecial, Floats);

TYPED_TEST(RefUnarySpecial, NanInNanOut) {
  const TypeParam x = std::numeric_limits<TypeParam>::quiet_NaN();
  for (const Unary op : all_unary) EXPECT_TRUE(std::isnan(ref::unary(op, x))) << static_cast<int>(op);
}

TYPED_TEST(RefUnarySpecial, Limits) {
  const TypeParam inf = std::numeric_limits<TypeParam>::infinity(), zero = 0;
  EXPECT_EQ(ref::unary(Unary::tanh, inf), 1);
  EXPECT_EQ(ref::unary(Unary::tanh, -inf), -1);
  EXPECT_EQ(ref::sigmoid(inf), 1);
  EXPECT_EQ(ref::sigmoid(-inf), 0);
  EXPECT_EQ(ref::sigmoid(zero), TypeParam(0.5));
  EXPECT_EQ(ref::sigmoid(TypeParam(-1000)), 0) << "e^1000 overflows on the way";
  EXPECT_EQ(ref::sigmoid(TypeParam(1000)), 1);
  EXPECT_EQ(ref::relu(inf), inf);
  EXPECT_EQ(ref::relu(-inf), 0);
  EXPECT_EQ(ref::unary(Unary::exp, TypeParam(1000)), inf);
  EXPECT_EQ(ref::unary(Unary::exp, -inf), 0);
  EXPECT_EQ(ref::unary(Unary::log, zero), -inf);
  EXPECT_EQ(ref::unary(Unary::log, inf), inf);
  EXPECT_TRUE(std::isnan(ref::unary(Unary::log, TypeParam(-1))));
}

TEST(RefUnary, SlopesAtTheLimitsAreFinite) {
  EXPECT_EQ(ref::tanh_slope(ref::unary(Unary::tanh, infinity)), 0);
  EXPECT_EQ(ref::sigmoid_slope(ref::sigmoid(-infinity)), 0);
  EXPECT_EQ(ref::sigmoid_slope(ref::sigmoid(infinity)), 0);
}

TEST(RefUnary, FloatStaysWithinItsBound) {
  BoundReport report("unary operations in float");
  RandomData data(22);
  for (const Unary op : all_unary) {
    for (int i = 0; i < 1000; ++i) {
      const float drawn = data.next() * 20;
      const float x = op == Unary::log ? std::abs(drawn) : drawn;
      const Tracked<float> expected = ref::unary(op, Tracked<float>(x));
      report.add(ref::unary(op, x), expected.value(), expected.error(), "op", static_cast<std::size_t>(op));
    }
  }
}

TEST(RefBinary, IsTheArithmetic) {
  EXPECT_EQ(ref::binary(Binary::add, 5.0f, 3.0f), 8.0f);
  EXPECT_EQ(ref::binary(Binary::subtract, 5.0f, 3.0f), 2.0f);
  EXPECT_EQ(ref::binary(Binary::multiply, 5.0f, 3.0f), 15.0f);
  EXPECT_EQ(ref::binary(Binary::divide, 5.0f, 2.0f), 2.5f);
  EXPECT_EQ(ref::binary(Binary::divide, -5.0f, 0.0f), -infinity);
  for (const Binary op : {Binary::add, Binary::subtract, Binary::multiply, Binary::divide}) {
    EXPECT_TRUE(std::isnan(ref::binary(op, nan, 1.0f)));
    EXPECT_TRUE(std::isnan(ref::binary(op, 1.0f, nan)));
  }
}

TEST(RefDropout, KeepsTheMeanAndDropsTheRightShare) {
  const Random random(5, RandomStream::dropout, 2, 9);
  constexpr int count = 100000;
  for (const float p : {0.1f, 0.5f, 0.8f}) {
    int dropped = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const double factor = ref::dropout_factor<double>(random, i, p);
      if (factor == 0) {
        ++dropped;
      } else {
        EXPECT_EQ(factor, 1 / (1 - static_cast<double>(p)));
      }
      EXPECT_EQ(factor == 0, random.uniform(i) < p);
    }
    const double deviation = std::sqrt(p * (1 - p) / count);
    EXPECT_NEAR(static_cast<double>(dropped) / count, p, 4 * deviation);
  }
}

TEST(RefDropout, EndsOfTheRange) {
  const Random random(5, RandomStream::dropout);
  for (std::uint64_t i = 0; i < 1000; ++i) {
    EXPECT_EQ(ref::dropout_factor<float>(random, i, 0), 1);
    EXPECT_EQ(ref::dropout_factor<float>(random, i, 1), 0);
  }
}

}  // namespace
}  // namespace unroll::test
