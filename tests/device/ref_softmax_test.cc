#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "device/reference/softmax.h"
#include "support/bounds.h"
#include "support/gradient_check.h"
#include "support/random_data.h"

namespace unroll::test {
namespace {

using ref::Grid;

constexpr std::int64_t softmax_rows = 3, softmax_columns = 5;

template <class Real>
std::vector<Real> softmax_of(Softmax kind, const std::vector<Real>& x) {
  std::vector<Real> y(x.size());
  ref::softmax<Real>(kind, {x.data(), softmax_rows, softmax_columns}, {y.data(), softmax_rows, softmax_columns});
  return y;
}

TEST(RefSoftmax, GradientIsTheComplexStepDerivative) {
  BoundReport report("gradient of softmax");
  RandomData data(47);
  for (const Softmax kind : {Softmax::probabilities, Softmax::logarithms}) {
    const std::vector<double> x = data.uniform<double>(softmax_rows * softmax_columns, 3),
                              dy = data.uniform<double>(softmax_rows * softmax_columns, 1);
    const auto weighted_sum = [&](const auto& values) {
      const auto y = softmax_of(kind, values);
      auto sum = y[0] * dy[0];
      for (std::size_t i = 1; i < dy.size(); ++i) sum = sum + y[i] * dy[i];
      return sum;
    };
    const std::vector<double> expected = complex_step_gradient(weighted_sum, x);
    using Real = Tracked<double>;
    const std::vector<Real> y = softmax_of(kind, std::vector<Real>(x.begin(), x.end()));
    const std::vector<Real> upstream(dy.begin(), dy.end());
    std::vector<Real> gradient(x.size(), Real(0));
    ref::softmax_backward<Real>(kind, {y.data(), softmax_rows, softmax_columns},
                                {upstream.data(), softmax_rows, softmax_columns},
                                {gradient.data(), softmax_rows, softmax_columns});
    for (std::size_t i = 0; i < x.size(); ++i)
      report.add(gradient[i].value(), expected[i], 4 * gradient[i].error(), "d", i);
  }
}

TEST(RefSoftmax, HasTheValuesOfItsFormula) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> x = {
      0, std::log(3.0), 0, std::log(5.0), 0, 1000, 1000, 1000, 1000, 1000, -infinity, 0, 0, 0, 0};
  const std::vector<double> y = softmax_of(Softmax::probabilities, x), logs = softmax_of(Softmax::logarithms, x);
  const double expected[] = {1 / 11.0, 3 / 11.0, 1 / 11.0, 5 / 11.0, 1 / 11.0, 0.2,  0.2, 0.2,
                             0.2,      0.2,      0,        0.25,     0.25,     0.25, 0.25};
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(y[i], expected[i], 1e-15) << i;
    EXPECT_NEAR(std::exp(logs[i]), expected[i], 1e-15) << i;
  }
  EXPECT_EQ(logs[10], -infinity);
  EXPECT_NEAR(logs[1], std::log(3.0 / 11), 1e-15);
}

}  // namespace
}  // namespace unroll::test
