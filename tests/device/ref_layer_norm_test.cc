#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <vector>

#include "device/reference/layer_norm.h"
#include "support/bounds.h"
#include "support/gradient_check.h"
#include "support/random_data.h"

namespace unroll::test {
namespace {

using ref::Grid;

constexpr std::int64_t rows = 3, columns = 5;

/// Layer normalisation of x, gain and bias, which are concatenated in one vector.
template <class Real>
struct Problem {
  explicit Problem(const std::vector<Real>& all)
      : values(all), normalized(rows * columns), scales(rows), y(rows * columns) {
    ref::layer_norm<Real>(Grid<const Real>(x(), rows, columns), gain(), bias(), Real(1e-5),
                          Grid<Real>(normalized.data(), rows, columns), scales.data(),
                          Grid<Real>(y.data(), rows, columns));
  }
  const Real* x() const { return values.data(); }
  const Real* gain() const { return x() + rows * columns; }
  const Real* bias() const { return gain() + columns; }

  std::vector<Real> values, normalized, scales, y;
};

TEST(RefLayerNorm, GradientIsTheComplexStepDerivative) {
  BoundReport report("gradient of layer norm");
  RandomData data(43);
  const std::vector<double> all = data.uniform<double>(rows * columns + 2 * columns, 2);
  const std::vector<double> dy = data.uniform<double>(rows * columns, 1);
  const auto weighted_sum = [&](const auto& values) {
    using Real = std::decay_t<decltype(values[0])>;
    const Problem<Real> problem(values);
    Real sum = Real(0);
    for (std::size_t i = 0; i < dy.size(); ++i) sum = sum + Real(dy[i]) * problem.y[i];
    return sum;
  };
  const std::vector<double> expected = complex_step_gradient(weighted_sum, all);
  using Real = Tracked<double>;
  const Problem<Real> problem(std::vector<Real>(all.begin(), all.end()));
  const std::vector<Real> upstream(dy.begin(), dy.end());
  std::vector<Real> gradient(all.size(), Real(0));
  ref::layer_norm_backward<Real>(Grid<const Real>(problem.normalized.data(), rows, columns), problem.scales.data(),
                                 problem.gain(), Grid<const Real>(upstream.data(), rows, columns),
                                 Grid<Real>(gradient.data(), rows, columns), gradient.data() + rows * columns,
                                 gradient.data() + rows * columns + columns);
  for (std::size_t i = 0; i < all.size(); ++i)
    report.add(gradient[i].value(), expected[i], 4 * gradient[i].error(), "d", i);
}

TEST(RefLayerNorm, RowsHaveMeanZeroAndVarianceOne) {
  std::vector<double> all(rows * columns + 2 * columns, 0);
  for (std::int64_t i = 0; i < rows * columns; ++i) all[static_cast<std::size_t>(i)] = static_cast<double>(i * i);
  std::fill_n(all.begin() + rows * columns, columns, 1.0);
  const Problem<double> problem(all);
  for (std::size_t r = 0; r < rows; ++r) {
    double sum = 0, squares = 0;
    for (std::size_t c = 0; c < columns; ++c) {
      sum += problem.y[r * columns + c];
      squares += problem.y[r * columns + c] * problem.y[r * columns + c];
    }
    EXPECT_NEAR(sum, 0, 1e-12);
    EXPECT_NEAR(squares / columns, 1, 1e-5);
  }
}

}  // namespace
}  // namespace unroll::test
