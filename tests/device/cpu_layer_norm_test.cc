#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "device/device.h"
#include "device/every_target.h"
#include "device/guarded.h"
#include "device/reference/layer_norm.h"

namespace unroll {
namespace {

using ref::Grid;
using test::Guarded;
using test::Values;

constexpr std::int64_t rows = 3;
constexpr float epsilon = 1e-5f;

std::vector<double> doubles(std::span<const float> values) { return {values.begin(), values.end()}; }

TEST(CpuLayerNorm, AgreesWithTheReferenceForEverySizeAndAlignment) {
  test::on_every_target([] {
    Context context({.threads = 2});
    for (std::int64_t columns = 1; columns <= 35; ++columns) {
      const std::int64_t size = rows * columns;
      Guarded x(size, 1), gain(columns, 2), bias(columns, 3), normalized(size, 3), scales(rows, 1), y(size, 2);
      Guarded dy(size, 1), dx(size, 2), d_gain(columns, 3), d_bias(columns, 1);
      Values values(static_cast<std::uint32_t>(columns));
      for (Guarded* filled : {&x, &gain, &bias, &dy, &dx, &d_gain, &d_bias}) values.fill(filled->span());
      // Reference results in double for the same numbers.
      const std::vector<double> x2 = doubles(x.span()), gain2 = doubles(gain.span()), bias2 = doubles(bias.span()),
                                dy2 = doubles(dy.span());
      std::vector<double> normalized2(x2.size()), scales2(rows), y2(x2.size());
      std::vector<double> dx2 = doubles(dx.span()), d_gain2 = doubles(d_gain.span()), d_bias2 = doubles(d_bias.span());
      ref::layer_norm<double>({x2.data(), rows, columns}, gain2.data(), bias2.data(), double{epsilon},
                              {normalized2.data(), rows, columns}, scales2.data(), {y2.data(), rows, columns});
      ref::layer_norm_backward<double>({normalized2.data(), rows, columns}, scales2.data(), gain2.data(),
                                       {dy2.data(), rows, columns}, {dx2.data(), rows, columns}, d_gain2.data(),
                                       d_bias2.data());

      const Device& device = cpu_device();
      device.layer_norm(context, {x.data(), rows, columns}, gain.data(), bias.data(), epsilon,
                        {normalized.data(), rows, columns}, scales.data(), {y.data(), rows, columns});
      device.layer_norm_backward(context, {normalized.data(), rows, columns}, scales.data(), gain.data(),
                                 {dy.data(), rows, columns}, {dx.data(), rows, columns}, d_gain.data(), d_bias.data());
      const auto expect_near = [&](Guarded& actual, const std::vector<double>& exact, double scale, const char* what) {
        for (std::size_t i = 0; i < exact.size(); ++i) {
          const double bound = 64 * 0x1p-24 * (1 + scale + std::abs(exact[i]));
          ASSERT_NEAR(actual[static_cast<std::int64_t>(i)], exact[i], bound) << what << " of " << columns;
        }
        actual.expect_intact();
      };
      // Subtracting the mean of nearly equal numbers cancels digits.
      double largest = 0;
      for (const double scale : scales2) largest = std::max(largest, scale);
      expect_near(normalized, normalized2, largest, "normalized");
      expect_near(y, y2, largest, "y");
      expect_near(dx, dx2, largest * largest, "dx");
      expect_near(d_gain, d_gain2, largest, "d_gain");
      expect_near(d_bias, d_bias2, 0, "d_bias");
    }
  });
}

TEST(CpuLayerNorm, WhatIsNotFiniteSpoilsItsRowAndNoOther) {
  test::on_every_target([] {
    Context context({.threads = 1});
    constexpr std::int64_t columns = 19;
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
      for (const std::int64_t place : {0, 7, 18}) {
        std::vector<float> x(rows * columns), gain(columns, 1), bias(columns, 0), normalized(x.size()), y(x.size());
        float scales[rows];
        Values(5).fill(x);
        x[static_cast<std::size_t>(columns + place)] = bad;
        cpu_device().layer_norm(context, {x.data(), rows, columns}, gain.data(), bias.data(), epsilon,
                                {normalized.data(), rows, columns}, scales, {y.data(), rows, columns});
        for (std::size_t i = 0; i < y.size(); ++i)
          ASSERT_EQ(std::isnan(y[i]), static_cast<std::int64_t>(i) / columns == 1) << i;
      }
    }
  });
}

}  // namespace
}  // namespace unroll
