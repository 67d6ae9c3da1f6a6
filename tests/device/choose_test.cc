#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "device/device.h"
#include "device/every_target.h"
#include "device/guarded.h"

namespace unroll {
namespace {

using test::Guarded;
using test::Values;

std::int32_t chosen(const Device& device, std::span<const float> logits, float temperature, double fraction) {
  Context context({.threads = 1});
  const auto size = static_cast<std::int64_t>(logits.size());
  Guarded row(size, 1);
  std::copy(logits.begin(), logits.end(), row.data());
  std::int32_t column = -2;
  device.choose(context, Matrix(row.data(), 1, size), temperature, {&fraction, 1}, {&column, 1});
  row.expect_intact();
  return column;
}

template <class Body>
void on_every_device(const Body& body) {
  body(reference_device());
  test::on_every_target([&] { body(cpu_device()); });
}

TEST(Choose, TakesTheFirstOfTheLargestAtTemperatureZero) {
  on_every_device([](const Device& device) {
    for (std::int64_t size = 1; size <= 70; ++size) {
      for (const float level : {-3.0f, 0.0f, 3.0f}) {
        for (std::int64_t largest = 0; largest < size; largest += 1 + size / 9) {
          std::vector<float> logits(static_cast<std::size_t>(size), level);
          for (auto at = static_cast<std::size_t>(largest); at < logits.size(); at += 5) logits[at] = level + 0.5f;
          ASSERT_EQ(chosen(device, logits, 0, 0.99), largest) << size << " columns";
        }
      }
    }
  });
}

TEST(Choose, SaysWhereALogitIsNotFinite) {
  on_every_device([](const Device& device) {
    for (std::size_t size = 1; size <= 35; ++size) {
      for (std::size_t bad = 0; bad < size; ++bad) {
        for (const float value : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                                  -std::numeric_limits<float>::infinity()}) {
          std::vector<float> logits(size, 1.0f);
          logits[bad] = value;
          ASSERT_EQ(chosen(device, logits, 0, 0.5), -1);
          ASSERT_EQ(chosen(device, logits, 1, 0.5), -1);
        }
      }
    }
  });
}

/// The fraction must lie within the chosen column's share of the total, up to the rounding of its borders: each weight
/// has an error of at most 8 units in the last place (of the exponential's argument and of the exponential itself), and
/// so has any sum of weights.
TEST(Choose, DrawsAsTheTemperedSoftmaxSays) {
  on_every_device([](const Device& device) {
    Values values(3);
    for (const std::int64_t size : {1, 2, 3, 5, 16, 17, 33, 64, 70, 333}) {
      for (const float temperature : {0.25f, 1.0f, 4.0f}) {
        std::vector<float> logits(static_cast<std::size_t>(size));
        values.fill(logits, 3);
        std::vector<double> borders = {0};
        for (const float logit : logits) borders.push_back(borders.back() + std::exp(double{logit} / temperature));
        // |logit| <= 3, so the difference to the largest logit is at most 6; it is rounded before the division by the
        // temperature.
        const double rounding = (8 + 2 * 6 / double{temperature}) * std::numeric_limits<float>::epsilon();
        for (const double fraction : {0.0, 0.1, 0.37, 0.5, 0.82, 0.999, 1 - 0x1p-32}) {
          const auto column = static_cast<std::size_t>(chosen(device, logits, temperature, fraction));
          ASSERT_LT(column, logits.size());
          EXPECT_GE(fraction, borders[column] / borders.back() - rounding) << size << " columns";
          EXPECT_LE(fraction, borders[column + 1] / borders.back() + rounding) << size << " columns";
        }
      }
    }
  });
}

TEST(Choose, StaysInRangeForExtremeLogitsAndTemperatures) {
  constexpr float huge = std::numeric_limits<float>::max();
  on_every_device([](const Device& device) {
    const std::vector<float> logits = {-huge, huge, 0, -huge};
    for (const float temperature : {std::numeric_limits<float>::denorm_min(), 1e-30f, 1.0f, 1e30f}) {
      for (const double fraction : {0.0, 0.5, 1 - 0x1p-32}) {
        EXPECT_EQ(chosen(device, logits, temperature, fraction), 1) << temperature;
      }
    }
    EXPECT_EQ(chosen(device, logits, huge, 0.85), 2) << "weights e^-2, 1, e^-1, e^-2";
  });
}

TEST(Choose, ChoosesForEachRowByItself) {
  on_every_device([](const Device& device) {
    for (const int threads : {1, 3}) {
      Context context({.threads = threads});
      constexpr std::int64_t rows = 40, columns = 1001;
      std::vector<float> logits(rows * columns);
      Values(5).fill(logits, 2);
      std::vector<double> fractions;
      std::vector<std::int32_t> alone, together(rows);
      for (std::int64_t r = 0; r < rows; ++r) {
        fractions.push_back(static_cast<double>(r) / rows);
        alone.push_back(chosen(device, std::span(logits).subspan(static_cast<std::size_t>(r * columns), columns), 1,
                               fractions.back()));
      }
      device.choose(context, Matrix(logits.data(), rows, columns), 1, fractions, together);
      EXPECT_EQ(together, alone);
    }
  });
}

}  // namespace
}  // namespace unroll
