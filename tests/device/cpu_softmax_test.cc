#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "device/device.h"
#include "device/every_target.h"
#include "device/guarded.h"
#include "device/reference/softmax.h"
#include "support/bounds.h"

namespace unroll {
namespace {

using test::BoundReport;
using test::Guarded;
using test::Tracked;
using test::Values;

constexpr std::int64_t rows_of_softmax = 3;

std::vector<Tracked<float>> tracked(std::span<const float> values) {
  return std::vector<Tracked<float>>(values.begin(), values.end());
}

TEST(CpuSoftmax, AgreesWithTheReferenceForEverySizeAndAlignment) {
  test::on_every_target([] {
    BoundReport report("softmax on " + simd_target());
    Context context({.threads = 2});
    for (const Softmax kind : {Softmax::probabilities, Softmax::logarithms}) {
      for (std::int64_t columns = 0; columns <= 70; ++columns) {
        const std::int64_t size = rows_of_softmax * columns;
        Guarded x(size, 1), y(size, 2), dy(size, 3), dx(size, 1);
        Values values(static_cast<std::uint32_t>(columns));
        values.fill(x.span(), 20);
        values.fill(dy.span());
        values.fill(dx.span());
        const std::vector<Tracked<float>> exact_x = tracked(x.span()), exact_dy = tracked(dy.span());
        std::vector<Tracked<float>> exact_y(exact_x.size()), exact_dx = tracked(dx.span());
        ref::softmax<Tracked<float>>(kind, {exact_x.data(), rows_of_softmax, columns},
                                     {exact_y.data(), rows_of_softmax, columns});
        ref::softmax_backward<Tracked<float>>(kind, {exact_y.data(), rows_of_softmax, columns},
                                              {exact_dy.data(), rows_of_softmax, columns},
                                              {exact_dx.data(), rows_of_softmax, columns});
        cpu_device().softmax(context, kind, {x.data(), rows_of_softmax, columns}, {y.data(), rows_of_softmax, columns});
        cpu_device().softmax_backward(context, kind, {y.data(), rows_of_softmax, columns},
                                      {dy.data(), rows_of_softmax, columns}, {dx.data(), rows_of_softmax, columns});
        report.add_all(std::vector<float>(y.span().begin(), y.span().end()), exact_y, "y");
        report.add_all(std::vector<float>(dx.span().begin(), dx.span().end()), exact_dx, "dx");
        y.expect_intact();
        dx.expect_intact();
      }
    }
  });
}

/// NaN and infinity spoil their row and no other; -infinity has the probability 0, also far below the largest.
TEST(CpuSoftmax, SpecialValues) {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  constexpr std::int64_t columns = 35;
  test::on_every_target([&] {
    Context context({.threads = 1});
    for (const Device* device : {&cpu_device(), &reference_device()}) {
      for (const Softmax kind : {Softmax::probabilities, Softmax::logarithms}) {
        for (const float special : {nan, infinity, -infinity}) {
          for (const std::int64_t place : {0, 7, 16, 34}) {
            Guarded x(rows_of_softmax * columns, 1), y(rows_of_softmax * columns, 2, 77);
            Values(5).fill(x.span(), 100);
            x[columns + place] = special;
            device->softmax(context, kind, {x.data(), rows_of_softmax, columns}, {y.data(), rows_of_softmax, columns});
            for (std::int64_t i = 0; i < y.size(); ++i) {
              const bool spoilt = special != -infinity && i / columns == 1;
              ASSERT_EQ(std::isnan(y[i]), spoilt) << device->name() << ", " << special << " at " << place << ": " << i;
            }
            if (special != -infinity) continue;
            ASSERT_EQ(y[columns + place], kind == Softmax::probabilities ? 0 : -infinity);
          }
        }
      }
    }
  });
}

TEST(CpuSoftmax, AnyNumberOfThreadsGivesTheSameBits) {
  constexpr std::int64_t many = 700, columns = 301;
  test::on_every_target([] {
    std::vector<float> x(many * columns), first;
    Values(3).fill(x, 10);
    for (const int threads : {1, 2, 3}) {
      Context context({.threads = threads});
      std::vector<float> y(x.size()), dx(x.size(), 0.0f);
      cpu_device().softmax(context, Softmax::logarithms, {x.data(), many, columns}, {y.data(), many, columns});
      cpu_device().softmax_backward(context, Softmax::logarithms, {y.data(), many, columns}, {x.data(), many, columns},
                                    {dx.data(), many, columns});
      y.insert(y.end(), dx.begin(), dx.end());
      if (threads == 1) first = y;
      ASSERT_EQ(0, std::memcmp(first.data(), y.data(), y.size() * sizeof(float)));
    }
  });
}

}  // namespace
}  // namespace unroll
