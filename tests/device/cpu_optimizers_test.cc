#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "device/device.h"
#include "device/every_target.h"
#include "device/guarded.h"
#include "device/reference/optimizers.h"
#include "support/bounds.h"

namespace unroll {
namespace {

using test::Guarded;
using test::Tracked;
using test::Values;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

/// An update as the device computes it, and its formula for one element. Both moments are always passed; some updates
/// use only one.
struct Update {
  std::string name;
  std::function<void(Context&, std::span<const float> gradient, std::span<float> first, std::span<float> second,
                     std::span<float> value)>
      device;
  std::function<void(const Tracked<float>& gradient, Tracked<float>& first, Tracked<float>& second,
                     Tracked<float>& value)>
      formula;
};

Update momentum(const std::string& name, bool nesterov) {
  const MomentumStep step{.learning_rate = 0.3, .momentum = 0.9, .nesterov = nesterov};
  return {name,
          [step](Context& c, auto gradient, auto first, auto, auto value) {
            cpu_device().sgd_momentum(c, step, gradient, first, value);
          },
          [step](const auto& gradient, auto& first, auto&, auto& value) {
            ref::sgd_momentum(step, gradient, first, value);
          }};
}

Update adam(const std::string& name, double weight_decay) {
  const AdamStep step{.learning_rate = 0.01,
                      .beta1 = 0.9,
                      .beta2 = 0.999,
                      .epsilon = 1e-8,
                      .correction1 = 1 - 0.9 * 0.9,
                      .correction2 = 1 - 0.999 * 0.999,
                      .weight_decay = weight_decay};
  return {name,
          [step](Context& c, auto gradient, auto first, auto second, auto value) {
            cpu_device().adam(c, step, gradient, first, second, value);
          },
          [step](const auto& gradient, auto& first, auto& second, auto& value) {
            ref::adam(step, gradient, first, second, value);
          }};
}

Update rmsprop() {
  const RmsPropStep step{.learning_rate = 0.01, .alpha = 0.99, .epsilon = 1e-8};
  return {
      "rmsprop",
      [step](Context& c, auto gradient, auto, auto second, auto value) {
        cpu_device().rmsprop(c, step, gradient, second, value);
      },
      [step](const auto& gradient, auto&, auto& second, auto& value) { ref::rmsprop(step, gradient, second, value); }};
}

std::vector<Update> updates() {
  return {momentum("momentum", false), momentum("nesterov", true), adam("adam", 0), adam("adamw", 0.5), rmsprop()};
}

/// The bound is twice that of the formula: the constants are rounded to float too, each in an operation whose rounding
/// is counted.
TEST(CpuUpdates, AgreeWithTheirFormulaForEverySizeAndAlignment) {
  test::on_every_target([] {
    Context context({.threads = 2});
    for (const Update& update : updates()) {
      test::BoundReport report(update.name);
      for (std::int64_t size = 0; size <= 35; ++size) {
        Guarded gradient(size, size % 3), first(size, 1), second(size, 2), value(size, 3);
        Values values(static_cast<std::uint32_t>(size));
        for (const auto block : {gradient.span(), first.span(), second.span(), value.span()}) values.fill(block);
        for (float& square : second.span()) square = std::abs(square);
        std::vector<Tracked<float>> m, v, x;
        for (std::int64_t i = 0; i < size; ++i) {
          m.emplace_back(first[i]);
          v.emplace_back(second[i]);
          x.emplace_back(value[i]);
          update.formula(Tracked<float>(gradient[i]), m.back(), v.back(), x.back());
        }
        update.device(context, gradient.span(), first.span(), second.span(), value.span());
        const auto compare = [&](Guarded& ours, const std::vector<Tracked<float>>& exact, const char* part) {
          ours.expect_intact();
          for (std::int64_t i = 0; i < size; ++i) {
            const Tracked<float>& expected = exact[static_cast<std::size_t>(i)];
            report.add(double{ours[i]}, expected.value(), 2 * expected.error(), part, static_cast<std::size_t>(i));
          }
        };
        compare(first, m, "first moment");
        compare(second, v, "second moment");
        compare(value, x, "value");
      }
    }
  });
}

TEST(CpuUpdates, HideNoNanAndNoInfinity) {
  test::on_every_target([] {
    Context context({.threads = 1});
    for (const Update& update : updates()) {
      for (const float bad : {nan, infinity, -infinity}) {
        for (std::int64_t at = 0; at < 35; ++at) {
          Guarded gradient(35, 1, 0.5f), first(35, 2), second(35, 3), value(35, 1, 1.0f);
          gradient[at] = bad;
          update.device(context, gradient.span(), first.span(), second.span(), value.span());
          for (std::int64_t i = 0; i < 35; ++i) {
            ASSERT_EQ(std::isfinite(value[i]), i != at) << update.name << " of " << bad << " at " << at << ", " << i;
          }
        }
      }
    }
  });
}

TEST(CpuAdam, FirstStepMovesByTheRateAgainstTheSign) {
  test::on_every_target([] {
    Context context({.threads = 1});
    for (std::int64_t size : {1, 5, 16, 37}) {
      Guarded gradient(size, 1), m(size, 2), v(size, 3), value(size, 1, 1.0f);
      Values(2).fill(gradient.span());
      cpu_device().adam(context, {0.01, 0.9, 0.999, 1e-8, 0.1, 0.001}, gradient.span(), m.span(), v.span(),
                        value.span());
      for (std::int64_t i = 0; i < size; ++i) {
        ASSERT_NEAR(m[i], 0.1f * gradient[i], 1e-7f);
        ASSERT_NEAR(v[i], 0.001f * gradient[i] * gradient[i], 1e-9f);
        ASSERT_NEAR(value[i], gradient[i] > 0 ? 0.99f : 1.01f, 2e-6f);
      }
      value.expect_intact();
    }
  });
}

}  // namespace
}  // namespace unroll
