#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <limits>
#include <numeric>
#include <vector>

#include "device/reference/cross_entropy.h"
#include "support/bounds.h"
#include "support/gradient_check.h"
#include "support/random_data.h"

namespace unroll::test {
namespace {

using ref::Grid;

template <class Real>
Real loss_of(std::vector<Real> logits, std::int64_t target) {
  return ref::softmax_cross_entropy(logits.data(), static_cast<std::int64_t>(logits.size()), target);
}

template <class Real>
std::vector<Real> gradient_of(std::vector<Real> logits, std::int64_t target) {
  ref::softmax_cross_entropy(logits.data(), static_cast<std::int64_t>(logits.size()), target);
  return logits;
}

TEST(RefCrossEntropy, GradientOfSoftmaxIsTheComplexStepDerivative) {
  BoundReport report("gradient of softmax cross-entropy");
  RandomData data(41);
  for (const std::int64_t count : {1, 2, 3, 7, 20}) {
    for (std::int64_t target = 0; target < count; ++target) {
      const std::vector<double> x = data.uniform<double>(count, 6);
      const auto f = [&](const auto& logits) { return loss_of(logits, target); };
      const std::vector<double> expected = complex_step_gradient(f, x);
      const std::vector<Tracked<double>> actual = gradient_of(std::vector<Tracked<double>>(x.begin(), x.end()), target);
      for (std::size_t j = 0; j < x.size(); ++j)
        report.add(actual[j].value(), expected[j], 4 * actual[j].error(), "d", j);
    }
  }
}

template <class Real>
class RefSoftmaxValues : public testing::Test {};
using Floats = testing::Types<float, double>;
TYPED_TEST_SUITE(RefSoftmaxValues, Floats);

TYPED_TEST(RefSoftmaxValues, ZeroLogitsGiveLogV) {
  for (const int count : {1, 2, 10, 1027}) {
    const std::vector<TypeParam> logits(static_cast<std::size_t>(count), 0);
    EXPECT_EQ(loss_of(logits, count / 2), std::log(static_cast<TypeParam>(count))) << count;
  }
}

TYPED_TEST(RefSoftmaxValues, SureAndRightGivesZero) {
  EXPECT_EQ(loss_of<TypeParam>({-50, 1000, 3, -2000}, 1), 0);
  EXPECT_THAT(gradient_of<TypeParam>({-2000, 1000, 3, -2000}, 1), testing::Each(0));
}

TYPED_TEST(RefSoftmaxValues, LogitsFarApartAreExact) {
  const std::vector<TypeParam> logits = {1e4, 0, -1e4};
  EXPECT_EQ(loss_of(logits, 0), 0);
  EXPECT_EQ(loss_of(logits, 1), TypeParam(1e4));
  EXPECT_EQ(loss_of(logits, 2), TypeParam(2e4));
  EXPECT_THAT(gradient_of(logits, 2), testing::ElementsAre(1, 0, -1));
}

TYPED_TEST(RefSoftmaxValues, DoesNotChangeWhenAllLogitsMove) {
  const std::vector<TypeParam> near = {0, 1, 2}, far = {4096, 4097, 4098};
  EXPECT_EQ(loss_of(near, 0), loss_of(far, 0));
  EXPECT_EQ(gradient_of(near, 0), gradient_of(far, 0));
}

TYPED_TEST(RefSoftmaxValues, NanAndPlusInfinityBecomeANanLoss) {
  for (const TypeParam bad :
       {std::numeric_limits<TypeParam>::quiet_NaN(), std::numeric_limits<TypeParam>::infinity()}) {
    for (std::size_t place = 0; place < 4; ++place) {
      for (std::int64_t target = 0; target < 4; ++target) {
        std::vector<TypeParam> logits = {0, 1, 2, -1};
        logits[place] = bad;
        EXPECT_TRUE(std::isnan(loss_of(logits, target))) << place << " " << target;
      }
    }
  }
}

TYPED_TEST(RefSoftmaxValues, MinusInfinityIsAnImpossibleSymbol) {
  const TypeParam infinity = std::numeric_limits<TypeParam>::infinity();
  const std::vector<TypeParam> logits = {0, -infinity, 0};
  EXPECT_EQ(loss_of(logits, 0), std::log(TypeParam(2)));
  EXPECT_EQ(loss_of(logits, 1), infinity);
  EXPECT_EQ(gradient_of(logits, 0)[1], 0);
}

TEST(RefSoftmax, FloatStaysWithinItsBound) {
  BoundReport report("softmax cross-entropy in float");
  RandomData data(42);
  for (const std::int64_t count : {2, 9, 100, 1027}) {
    std::vector<float> logits = data.uniform<float>(count, 5);
    std::vector<Tracked<float>> bounded(logits.begin(), logits.end());
    const float loss = ref::softmax_cross_entropy(logits.data(), count, 1);
    const Tracked<float> expected = ref::softmax_cross_entropy(bounded.data(), count, 1);
    report.add(loss, expected.value(), expected.error(), "loss");
    report.add_all(logits, bounded, "gradient");
  }
}

/// Sizes of a problem with input [N, H], weight [H, V] and bias [V], concatenated in one vector.
struct LinearSize {
  std::int64_t rows, hidden, symbols;
  bool with_bias;
  std::int64_t variables() const { return rows * hidden + hidden * symbols + (with_bias ? symbols : 0); }
};

template <class Real>
ref::LinearLoss<Real> linear_problem(const LinearSize& size, const std::vector<Real>& x,
                                     const std::vector<std::int32_t>& targets) {
  ref::LinearLoss<Real> problem;
  problem.input = {x.data(), size.rows, size.hidden};
  problem.weight = {x.data() + size.rows * size.hidden, size.hidden, size.symbols};
  if (size.with_bias) problem.bias = x.data() + size.rows * size.hidden + size.hidden * size.symbols;
  problem.targets = targets;
  return problem;
}

/// Adds the gradients of scale * loss_sum, in the same layout, to `gradient`.
template <class Real>
ref::LinearLoss<Real> linear_gradients(const LinearSize& size, const std::vector<Real>& x,
                                       const std::vector<std::int32_t>& targets, float scale,
                                       std::vector<Real>& gradient) {
  ref::LinearLoss<Real> problem = linear_problem(size, x, targets);
  problem.with_gradients = true;
  problem.scale = Real(scale);
  problem.d_input = {gradient.data(), size.rows, size.hidden};
  problem.d_weight = {gradient.data() + size.rows * size.hidden, size.hidden, size.symbols};
  if (size.with_bias) problem.d_bias = gradient.data() + size.rows * size.hidden + size.hidden * size.symbols;
  ref::linear_cross_entropy(problem);
  return problem;
}

constexpr LinearSize linear_sizes[] = {{1, 1, 2, true}, {3, 2, 5, false}, {5, 4, 3, true}, {4, 1, 1, true}};

TEST(RefLinearCrossEntropy, GradientsAreTheComplexStepDerivatives) {
  BoundReport report("gradients of linear cross-entropy");
  RandomData data(43);
  const float scale = 0.375f;
  for (const LinearSize& size : linear_sizes) {
    const std::vector<double> x = data.uniform<double>(size.variables(), 2);
    const std::vector<std::int32_t> targets = data.ids(size.rows, static_cast<std::int32_t>(size.symbols));
    const auto f = [&](const auto& v) {
      auto problem = linear_problem(size, v, targets);
      ref::linear_cross_entropy(problem);
      return static_cast<double>(scale) * problem.loss_sum;
    };
    const std::vector<double> expected = complex_step_gradient(f, x);
    std::vector<Tracked<double>> actual(x.size(), Tracked<double>(0));
    linear_gradients(size, std::vector<Tracked<double>>(x.begin(), x.end()), targets, scale, actual);
    for (std::size_t i = 0; i < x.size(); ++i)
      report.add(actual[i].value(), expected[i], 4 * actual[i].error(), "d", i);
  }
}

TEST(RefLinearCrossEntropy, AddsToParametersAndWritesTheInput) {
  RandomData data(44);
  const LinearSize size{3, 2, 4, true};
  const std::vector<double> x = data.uniform<double>(size.variables());
  const std::vector<std::int32_t> targets = {3, 0, 3};
  std::vector<double> from_zero(x.size(), 0.0), on_top(x.size(), 100.0);
  linear_gradients(size, x, targets, 1, from_zero);
  linear_gradients(size, x, targets, 1, on_top);
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(on_top[i], from_zero[i] + (i < 6 ? 0 : 100), 1e-12) << i;
}

TEST(RefLinearCrossEntropy, ZeroWeightsGiveNLogVAndTheFirstOfEqualsIsTheAnswer) {
  const LinearSize size{6, 3, 1027, true};
  const std::vector<float> x(static_cast<std::size_t>(size.variables()), 0.0f);
  const std::vector<std::int32_t> targets = {0, 5, 0, 1026, 1, 0};
  auto problem = linear_problem(size, x, targets);
  ref::linear_cross_entropy(problem);
  EXPECT_EQ(problem.loss_sum, 6 * static_cast<double>(std::log(1027.0f)));
  EXPECT_EQ(problem.correct, 3) << "where the target is symbol 0";
}

TEST(RefLinearCrossEntropy, CountsRowsWhoseLargestLogitIsTheTarget) {
  const std::vector<float> x = {1, 0, 0, 1, 1, 1, /* W */ 5, 1, 5, 2, 7, 7};
  const std::vector<std::int32_t> targets = {0, 2, 2};  // logits 5 1 5, 2 7 7, 7 8 12
  auto problem = linear_problem({3, 2, 3, false}, x, targets);
  ref::linear_cross_entropy(problem);
  EXPECT_EQ(problem.correct, 2);
}

TEST(RefLinearCrossEntropy, NanInOneRowMakesTheSumNan) {
  RandomData data(45);
  const LinearSize size{4, 3, 5, true};
  std::vector<float> x = data.uniform<float>(size.variables());
  x[7] = std::numeric_limits<float>::quiet_NaN();  // in row 2
  std::vector<float> gradient(x.size(), 0.0f);
  const std::vector<std::int32_t> targets = {0, 1, 2, 3};
  EXPECT_TRUE(std::isnan(linear_gradients(size, x, targets, 1, gradient).loss_sum));
  EXPECT_TRUE(std::isnan(gradient[6])) << "row 2";
  EXPECT_FALSE(std::isnan(gradient[5])) << "row 1";
}

TEST(RefLinearCrossEntropy, FloatStaysWithinItsBound) {
  BoundReport report("linear cross-entropy in float");
  RandomData data(46);
  const LinearSize size{7, 13, 29, true};
  const std::vector<float> x = data.uniform<float>(size.variables());
  const std::vector<std::int32_t> targets = data.ids(size.rows, 29);
  std::vector<float> actual(x.size(), 0.0f);
  std::vector<Tracked<float>> expected(x.size(), Tracked<float>(0));
  const double loss = linear_gradients(size, x, targets, 0.01f, actual).loss_sum;
  const Tracked<float> bounded =
      linear_gradients(size, std::vector<Tracked<float>>(x.begin(), x.end()), targets, 0.01f, expected).loss_sum;
  report.add(loss, bounded.value(), bounded.error(), "loss");
  report.add_all(actual, expected, "gradient");
}

}  // namespace
}  // namespace unroll::test
