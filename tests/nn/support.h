#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "support/host.h"
#include "unroll/autograd.h"
#include "unroll/context.h"
#include "unroll/parameters.h"

namespace unroll {

inline constexpr double unit_roundoff = std::numeric_limits<float>::epsilon() / 2;

/// Base class of tests that run on every device.
class EachDevice : public ::testing::TestWithParam<DeviceKind> {
 protected:
  Context context{{.seed = 1, .threads = 2, .device = GetParam()}};
};

inline std::string device_name(const ::testing::TestParamInfo<DeviceKind>& info) {
  return info.param == DeviceKind::cpu ? "cpu" : info.param == DeviceKind::guarded ? "guarded" : "reference";
}

#define UNROLL_EACH_DEVICE(suite) \
  INSTANTIATE_TEST_SUITE_P(Devices, suite, ::testing::Values(default_device(), DeviceKind::reference), device_name)

/// Test data: numbers in [low, high) that depend on `stream` only.
inline Tensor uniform_tensor(Context& context, const Shape& shape, std::uint32_t stream, float low = -1,
                             float high = 1) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  const Random random(7, RandomStream::init, stream);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = low + (high - low) * random.uniform(i);
  return Tensor::of(context, shape, values);
}

inline std::vector<std::int32_t> uniform_ids(std::size_t count, int classes, std::uint32_t stream) {
  std::vector<std::int32_t> ids(count);
  const Random random(8, RandomStream::init, stream);
  for (std::size_t i = 0; i < count; ++i) {
    ids[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(classes), i));
  }
  return ids;
}

inline Ids uniform_ids(int steps, int batch, int classes, std::uint32_t stream) {
  Ids ids(steps, batch);
  const auto values = uniform_ids(ids.flat().size(), classes, stream);
  std::copy(values.begin(), values.end(), ids.flat().begin());
  return ids;
}

inline std::vector<float> to_vector(const ConstView& view) { return on_host(view); }

inline Tensor tensor_of(Context& context, const Shape& shape, std::vector<float> values) {
  return Tensor::of(context, shape, values);
}

/// Largest |a - b|; NaN if any difference is NaN, so that no comparison passes.
inline double max_difference(std::span<const float> a, std::span<const float> b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

inline double max_magnitude(std::span<const float> values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(static_cast<double>(value)));
  return largest;
}

/// Expects error <= bound and prints their ratio, so that a loosened bound is visible in review.
inline void expect_within(const std::string& what, double error, double bound) {
  fmt::print("  {}: error {:.2e} is {:.3f} of the bound {:.2e}\n", what, error, error / bound, bound);
  EXPECT_LE(error, bound) << what;
}

/// Compares `gradient` of sum(weights * outputs()) with central differences in `values`, which outputs() reads. Sum and
/// difference are computed in double, so the only errors are the rounding of the outputs and the truncation of the
/// series. The truncation is estimated by the difference between two step widths, which is three times as large. The
/// rounding is `roundings` unit roundoffs of each output that changes, divided by the step width and added in
/// quadrature, since outputs round independently.
inline void check_gradient(const std::string& what, const ConstView& values_of_device, std::span<const float> gradient,
                           const std::vector<float>& weights, double roundings,
                           const std::function<std::vector<float>()>& outputs) {
  const HostCopy values = on_host(values_of_device);
  ASSERT_EQ(values.size(), gradient.size()) << what;
  const auto set = [&](std::size_t i, float value) {
    edit_on_host({const_cast<float*>(values_of_device.data) + i, 1}, [&](std::span<float> one) { one[0] = value; });
  };
  struct Slope {
    double value = 0, rounding = 0;
  };
  const auto slope = [&](std::size_t i, float step) {
    const float saved = values[i];
    const float left = saved - step, right = saved + step;
    set(i, right);
    const std::vector<float> above = outputs();
    set(i, left);
    const double width = static_cast<double>(right) - static_cast<double>(left);
    const std::vector<float> below = outputs();
    set(i, saved);
    Slope result;
    for (std::size_t k = 0; k < above.size(); ++k) {
      if (above[k] == below[k]) continue;
      const auto weight = static_cast<double>(weights[k]), a = static_cast<double>(above[k]);
      result.value += weight * (a - static_cast<double>(below[k])) / width;
      result.rounding = std::hypot(result.rounding, weight * 2 * roundings * unit_roundoff * a / width);
    }
    return result;
  };
  constexpr float step = 1.0f / 64;
  double worst_ratio = 0, widest_bound = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Slope narrow = slope(i, step), wide = slope(i, 2 * step);
    const auto analytic = static_cast<double>(gradient[i]);
    const double bound = std::abs(wide.value - narrow.value) + narrow.rounding + wide.rounding +
                         roundings * unit_roundoff * std::abs(analytic) + 1e-12;
    const double error = std::abs(analytic - narrow.value);
    worst_ratio = std::max(worst_ratio, error / bound);
    widest_bound = std::max(widest_bound, bound);
    EXPECT_LE(error, bound) << what << ": element " << i << ", gradient " << analytic << ", difference "
                            << narrow.value;
  }
  fmt::print("  {}: error/bound at most {:.3f}, largest bound {:.1e}, largest gradient {:.1e}\n", what, worst_ratio,
             widest_bound, max_magnitude(gradient));
}

/// sum(weights * y) with random weights, which distinguish the elements.
inline Var weighted_sum(Context& context, const Var& y, std::uint32_t stream = 99) {
  return sum(y * constant(context, uniform_tensor(context, y.shape(), stream, 0.5f, 1.5f)));
}
inline std::vector<float> weights_of(Context& context, const Shape& shape, std::uint32_t stream = 99) {
  return to_vector(uniform_tensor(context, shape, stream, 0.5f, 1.5f).view());
}

}  // namespace unroll
