// On targets with fused multiply-add a row is summed in 16 partial sums, whatever the width of a vector, so all of them
// give the bits of the plain loops here.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "base/numerics.h"
#include "device/device.h"
#include "device/every_target.h"
#include "device/guarded.h"

namespace unroll {
namespace {

using test::Guarded;
using test::Values;

constexpr std::size_t partial_sums = 16;

void on_every_fused_target(const std::function<void()>& body) {
  int targets = 0;
  test::on_every_target([&] {
    if (numerics_class() != "fma") return;
    body();
    ++targets;
  });
  EXPECT_TRUE(targets > 0 || simd_targets().front() == "sse4" || simd_targets().front() == "scalar");
}

float sum_by_halves(std::array<float, partial_sums> sums) {
  for (std::size_t half = partial_sums / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) sums[i] += sums[i + half];
  }
  return sums[0];
}

/// Four sets of partial sums, added in pairs.
float reduced(std::int64_t count, const std::function<float(std::int64_t)>& term) {
  std::array<std::array<float, partial_sums>, 4> sets{};
  for (std::int64_t i = 0; i < count; ++i) {
    const auto at = static_cast<std::size_t>(i);
    sets[at / partial_sums % 4][at % partial_sums] += term(i);
  }
  std::array<float, partial_sums> sums;
  for (std::size_t i = 0; i < partial_sums; ++i) sums[i] = (sets[0][i] + sets[1][i]) + (sets[2][i] + sets[3][i]);
  return sum_by_halves(sums);
}

/// One set of partial sums; add(sum, i) is the sum with element i.
float row_sum(std::int64_t count, const std::function<float(float, std::int64_t)>& add) {
  std::array<float, partial_sums> sums{};
  for (std::int64_t i = 0; i < count; ++i) {
    float& sum = sums[static_cast<std::size_t>(i) % partial_sums];
    sum = add(sum, i);
  }
  return sum_by_halves(sums);
}

TEST(CpuSums, HaveTheBitsOfSixteenPartialSums) {
  on_every_fused_target([] {
    Context context({.threads = 1});
    for (std::int64_t size = 0; size <= 200; ++size) {
      Guarded x(size, 1);
      Values(static_cast<std::uint32_t>(size)).fill(x.span());
      ASSERT_EQ(cpu_device().sum(context, x.span()), double{reduced(size, [&](std::int64_t i) { return x[i]; })})
          << size;
      ASSERT_EQ(cpu_device().sum_of_squares(context, x.span()),
                double{reduced(size, [&](std::int64_t i) { return x[i] * x[i]; })})
          << size;
    }
  });
}

TEST(CpuSums, OfSoftmaxHaveTheBitsOfSixteenPartialSums) {
  on_every_fused_target([] {
    Context context({.threads = 1});
    for (std::int64_t size = 1; size <= 150; ++size) {
      Guarded x(size, 1), shifted(size, 0), y(size, 2), powers(size, 3), dy(size, 1), dx(size, 2);
      Values values(static_cast<std::uint32_t>(size));
      values.fill(x.span(), 4);
      values.fill(dy.span());
      const float largest = *std::ranges::max_element(x.span());
      for (std::int64_t i = 0; i < size; ++i) shifted[i] = x[i] - largest;
      cpu_device().unary(context, Unary::exp, shifted.span(), powers.span());
      const ConstMatrix row(x.data(), 1, size);
      cpu_device().softmax(context, Softmax::probabilities, row, Matrix(y.data(), 1, size));
      const float factor = 1 / reduced(size, [&](std::int64_t i) { return powers[i]; });
      for (std::int64_t i = 0; i < size; ++i) ASSERT_EQ(y[i], factor * powers[i]) << size << ", " << i;
      cpu_device().softmax_backward(context, Softmax::probabilities, ConstMatrix(y.data(), 1, size),
                                    ConstMatrix(dy.data(), 1, size), Matrix(dx.data(), 1, size));
      const float mean = reduced(size, [&](std::int64_t i) { return dy[i] * y[i]; });
      for (std::int64_t i = 0; i < size; ++i) ASSERT_EQ(dx[i], std::fma(y[i], dy[i] - mean, 0.0f)) << size << ", " << i;
    }
  });
}

TEST(CpuSums, OfLayerNormHaveTheBitsOfSixteenPartialSums) {
  constexpr float epsilon = 1e-5f;
  on_every_fused_target([] {
    Context context({.threads = 1});
    for (std::int64_t size = 1; size <= 70; ++size) {
      Guarded x(size, 1), gain(size, 2), bias(size, 3), normalized(size, 0), y(size, 1), dy(size, 2), dx(size, 3);
      Values values(static_cast<std::uint32_t>(size));
      for (Guarded* filled : {&x, &gain, &bias, &dy}) values.fill(filled->span());
      float scale = 0;
      cpu_device().layer_norm(context, ConstMatrix(x.data(), 1, size), gain.data(), bias.data(), epsilon,
                              Matrix(normalized.data(), 1, size), &scale, Matrix(y.data(), 1, size));
      const auto columns = static_cast<float>(size);
      const float mean = row_sum(size, [&](float sum, std::int64_t i) { return sum + x[i]; }) / columns;
      const float squares = row_sum(size, [&](float sum, std::int64_t i) {
        const float distance = x[i] - mean;
        return std::fma(distance, distance, sum);
      });
      ASSERT_EQ(scale, 1 / std::sqrt(squares / columns + epsilon)) << size;
      for (std::int64_t i = 0; i < size; ++i) ASSERT_EQ(normalized[i], (x[i] - mean) * scale) << size << ", " << i;

      std::vector<float> d_gain(static_cast<std::size_t>(size)), d_bias(d_gain);
      cpu_device().layer_norm_backward(context, ConstMatrix(normalized.data(), 1, size), &scale, gain.data(),
                                       ConstMatrix(dy.data(), 1, size), Matrix(dx.data(), 1, size), d_gain.data(),
                                       d_bias.data());
      const auto g = [&](std::int64_t i) { return dy[i] * gain[i]; };
      const float g_mean = row_sum(size, [&](float sum, std::int64_t i) { return sum + g(i); }) / columns;
      const float slope =
          row_sum(size, [&](float sum, std::int64_t i) { return std::fma(g(i), normalized[i], sum); }) / columns;
      for (std::int64_t i = 0; i < size; ++i) {
        ASSERT_EQ(dx[i], std::fma(std::fma(-normalized[i], slope, g(i) - g_mean), scale, 0.0f)) << size << ", " << i;
      }
    }
  });
}

}  // namespace
}  // namespace unroll
