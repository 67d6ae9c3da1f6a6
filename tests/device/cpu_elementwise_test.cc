#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <limits>

#include "device/device.h"
#include "device/every_target.h"
#include "device/guarded.h"

namespace unroll {
namespace {

using test::Guarded;
using test::Values;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

struct Function {
  Unary op;
  std::function<double(double)> value, slope;
  float low, high;  // range of the tested arguments
  double ulps;      // documented error of the polynomial, with the roundings that follow
};

const Function functions[] = {
    {Unary::negate, [](double x) { return -x; }, [](double) { return -1.0; }, -5, 5, 0.5},
    {Unary::tanh, [](double x) { return std::tanh(x); }, [](double x) { return 1 / std::cosh(x) / std::cosh(x); }, -10,
     10, 3},
    {Unary::sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); },
     [](double x) { return 1 / (2 + std::exp(x) + std::exp(-x)); }, -30, 30, 4},
    {Unary::relu, [](double x) { return x > 0 ? x : 0; }, [](double x) { return x > 0 ? 1.0 : 0.0; }, -3, 3, 0.5},
    {Unary::exp, [](double x) { return std::exp(x); }, [](double x) { return std::exp(x); }, -80, 80, 2},
    {Unary::log, [](double x) { return std::log(x); }, [](double x) { return 1 / x; }, 1e-3f, 50, 2},
};

TEST(CpuUnary, AgreesWithTheFunctionForEverySizeAndAlignment) {
  test::on_every_target([] {
    Context context({.threads = 1});
    for (const Function& f : functions) {
      double worst = 0;
      for (std::int64_t size = 0; size <= 35; ++size) {
        for (std::int64_t misalignment : {0, 1, 3}) {
          Guarded x(size, misalignment), y(size, misalignment + 1);
          Values values(static_cast<std::uint32_t>(size + 100 * misalignment));
          for (std::int64_t i = 0; i < size; ++i) x[i] = f.low + (values.next() * 0.5f + 0.5f) * (f.high - f.low);
          cpu_device().unary(context, f.op, x.span(), y.span());
          for (std::int64_t i = 0; i < size; ++i) {
            const double exact = f.value(double{x[i]});
            const double bound = f.ulps * 0x1p-23 * std::abs(exact) + 1e-37;
            worst = std::max(worst, std::abs(double{y[i]} - exact) / bound);
            ASSERT_LE(std::abs(double{y[i]} - exact), bound) << "op " << static_cast<int>(f.op) << " of " << x[i];
          }
          y.expect_intact();
        }
      }
      std::printf("[ BOUND    ] unary %d, worst error / bound: %.3f\n", static_cast<int>(f.op), worst);
    }
  });
}

/// One in 4,099 of all bit patterns of a float, many NaNs among them.
TEST(CpuUnary, HasTheSameBitsOnAllTargetsWithFusedMultiplyAdd) {
  constexpr std::uint64_t step = 4099;
  constexpr auto count = static_cast<std::int64_t>((std::uint64_t{1} << 32) / step);
  Guarded x(count, 0), first(count, 0), y(count, 0);
  for (std::int64_t i = 0; i < count; ++i) {
    const auto bits = static_cast<std::uint32_t>(static_cast<std::uint64_t>(i) * step);
    std::memcpy(&x[i], &bits, sizeof bits);
  }
  Context context({.threads = 1});
  for (const Unary op : {Unary::tanh, Unary::sigmoid, Unary::exp, Unary::log, Unary::relu}) {
    std::string compared_with;
    test::on_every_target([&] {
      if (simd_target() != "avx3" && simd_target() != "avx2") return;
      Guarded& result = compared_with.empty() ? first : y;
      cpu_device().unary(context, op, x.span(), result.span());
      for (std::int64_t i = 0; i < count; ++i) {
        if (op == Unary::log && x[i] < 0) continue;  // NaN, or that of 0 for a denormal number
        ASSERT_EQ(std::isnan(x[i]), std::isnan(result[i])) << "op " << static_cast<int>(op) << " of " << x[i];
        if (compared_with.empty() || std::isnan(x[i])) continue;
        ASSERT_EQ(0, std::memcmp(&first[i], &y[i], sizeof(float)))
            << "op " << static_cast<int>(op) << " of " << x[i] << ": " << first[i] << " on " << compared_with << ", "
            << y[i] << " here";
      }
      compared_with = simd_target();
    });
  }
}

TEST(CpuUnary, BackwardAddsTheDerivative) {
  test::on_every_target([] {
    Context context({.threads = 1});
    for (const Function& f : functions) {
      for (std::int64_t size : {1, 3, 4, 7, 16, 17, 33}) {
        Guarded x(size, 1), y(size, 2), dy(size, 3), dx(size, 1);
        Values values(7);
        for (std::int64_t i = 0; i < size; ++i)
          x[i] = std::clamp(f.low + (values.next() * 0.5f + 0.5f) * (f.high - f.low), -4.0f, 4.0f);
        values.fill(dy.span());
        values.fill(dx.span());
        Guarded before = dx;
        cpu_device().unary(context, f.op, x.span(), y.span());
        cpu_device().unary_backward(context, f.op, x.span(), y.span(), dy.span(), dx.span());
        for (std::int64_t i = 0; i < size; ++i) {
          // The slopes of tanh and sigmoid are computed from y, so the absolute error of 1 - y^2 is that of y^2.
          const double term = double{dy[i]} * f.slope(double{x[i]});
          const double bound = 8 * 0x1p-23 * (std::abs(term) + std::abs(double{dy[i]}) + std::abs(double{before[i]}));
          ASSERT_NEAR(double{dx[i]}, double{before[i]} + term, bound)
              << "op " << static_cast<int>(f.op) << " at " << x[i];
        }
        dx.expect_intact();
      }
    }
  });
}

TEST(CpuUnary, SpecialValues) {
  struct Special {
    Unary op;
    float x, y;
  };
  const Special specials[] = {
      {Unary::tanh, infinity, 1},
      {Unary::tanh, -infinity, -1},
      {Unary::tanh, nan, nan},
      {Unary::tanh, 0, 0},
      {Unary::sigmoid, infinity, 1},
      {Unary::sigmoid, -infinity, 0},
      {Unary::sigmoid, nan, nan},
      {Unary::sigmoid, 0, 0.5f},
      {Unary::relu, infinity, infinity},
      {Unary::relu, -infinity, 0},
      {Unary::relu, nan, nan},
      {Unary::exp, infinity, infinity},
      {Unary::exp, -infinity, 0},
      {Unary::exp, nan, nan},
      {Unary::exp, 200, infinity},
      {Unary::exp, 0, 1},
      {Unary::exp, -200, 0},
      {Unary::log, 0, -infinity},
      {Unary::log, -1, nan},
      {Unary::log, infinity, infinity},
      {Unary::log, nan, nan},
      {Unary::log, 1, 0},
      {Unary::negate, nan, nan},
  };
  test::on_every_target([&] {
    Context context({.threads = 1});
    for (const Special& special : specials) {
      for (std::int64_t size : {1, 19}) {
        Guarded x(size, 1, special.x), y(size, 0);
        cpu_device().unary(context, special.op, x.span(), y.span());
        for (std::int64_t i = 0; i < size; ++i) {
          if (std::isnan(special.y)) {
            ASSERT_TRUE(std::isnan(y[i])) << static_cast<int>(special.op) << "(" << special.x << ") = " << y[i];
          } else {
            ASSERT_EQ(y[i], special.y) << static_cast<int>(special.op) << "(" << special.x << ")";
          }
        }
      }
    }
  });
}

TEST(CpuFlat, ArithmeticForEverySize) {
  test::on_every_target([] {
    Context context({.threads = 2});
    for (std::int64_t size = 0; size <= 35; ++size) {
      Guarded a(size, 1), b(size, 2), y(size, 3);
      Values values(static_cast<std::uint32_t>(size));
      values.fill(a.span());
      values.fill(b.span());
      const auto expect = [&](const auto& exact) {
        for (std::int64_t i = 0; i < size; ++i) ASSERT_NEAR(y[i], exact(i), 0x1p-22) << size << ", " << i;
        y.expect_intact();
      };
      cpu_device().binary(context, Binary::add, a.span(), b.span(), y.span());
      expect([&](std::int64_t i) { return a[i] + b[i]; });
      cpu_device().binary(context, Binary::subtract, a.span(), b.span(), y.span());
      expect([&](std::int64_t i) { return a[i] - b[i]; });
      cpu_device().binary(context, Binary::multiply, a.span(), b.span(), y.span());
      expect([&](std::int64_t i) { return a[i] * b[i]; });
      cpu_device().multiply_add(context, a.span(), b.span(), y.span());
      expect([&](std::int64_t i) { return 2 * a[i] * b[i]; });
      cpu_device().scale(context, 0.5f, y.span());
      expect([&](std::int64_t i) { return a[i] * b[i]; });
      cpu_device().axpy(context, 3.0f, b.span(), y.span());
      expect([&](std::int64_t i) { return a[i] * b[i] + 3 * b[i]; });
      cpu_device().sgd(context, 3.0f, b.span(), y.span());
      expect([&](std::int64_t i) { return a[i] * b[i]; });
      cpu_device().clamp(context, 0.125f, y.span());
      expect([&](std::int64_t i) { return std::clamp(a[i] * b[i], -0.125f, 0.125f); });
      cpu_device().fill(context, y.span(), 2.5f);
      expect([&](std::int64_t) { return 2.5f; });
    }
  });
}

/// All arithmetic is rounded once, so the bits are those of the reference. No result is denormal: the device counts
/// those as zero.
TEST(CpuFlat, BinaryHasTheBitsOfTheReference) {
  const float specials[] = {0.0f, -0.0f, 1.0f, -3.0f, 1e-10f, 1e25f, infinity, -infinity, nan};
  constexpr std::int64_t count = std::size(specials);
  test::on_every_target([&] {
    Context context({.threads = 2});
    for (const Binary op : {Binary::add, Binary::subtract, Binary::multiply, Binary::divide}) {
      for (std::int64_t size = 0; size <= 35 + count * count; ++size) {
        Guarded a(size, 1), b(size, 2), y(size, 3), expected(size, 0);
        Values values(static_cast<std::uint32_t>(size));
        values.fill(a.span());
        values.fill(b.span());
        for (std::int64_t i = 0; i + 35 < size; ++i) {
          a[i] = specials[i / count];
          b[i] = specials[i % count];
        }
        cpu_device().binary(context, op, a.span(), b.span(), y.span());
        reference_device().binary(context, op, a.span(), b.span(), expected.span());
        for (std::int64_t i = 0; i < size; ++i) {
          ASSERT_TRUE(y[i] == expected[i] || (std::isnan(y[i]) && std::isnan(expected[i])))
              << static_cast<int>(op) << " of " << a[i] << ", " << b[i] << ": " << y[i];
        }
        y.expect_intact();
      }
    }
  });
}

TEST(CpuFlat, ClampKeepsNanAndBringsInfinityToTheLimit) {
  test::on_every_target([] {
    Context context({.threads = 1});
    for (std::int64_t size = 1; size <= 35; ++size) {
      for (std::int64_t at = 0; at < size; ++at) {
        const auto clamped = [&](float value) {
          Guarded x(size, 1, 0.25f);
          x[at] = value;
          cpu_device().clamp(context, 0.5f, x.span());
          x.expect_intact();
          for (std::int64_t i = 0; i < size; ++i) EXPECT_TRUE(i == at || x[i] == 0.25f) << i;
          return x[at];
        };
        ASSERT_TRUE(std::isnan(clamped(nan)) && std::isnan(clamped(-nan))) << size << ", " << at;
        ASSERT_EQ(clamped(infinity), 0.5f);
        ASSERT_EQ(clamped(-infinity), -0.5f);
        ASSERT_EQ(clamped(0.5f), 0.5f);
        ASSERT_EQ(clamped(-0.625f), -0.5f);
      }
    }
  });
}

TEST(CpuReductions, SumsAreRightAndTheSameOnAnyNumberOfThreads) {
  test::on_every_target([] {
    for (std::int64_t size : {0, 1, 5, 16, 63, 4096, 4097, 100'003}) {
      Guarded x(size, 1);
      Values(3).fill(x.span());
      double exact = 0, exact_squares = 0, magnitude = 0;
      for (const float value : x.span()) {
        exact += double{value};
        magnitude += std::abs(double{value});
        exact_squares += double{value} * double{value};
      }
      double first_sum = 0, first_squares = 0;
      for (int threads : {1, 2, 3, 8}) {
        Context context({.threads = threads});
        const double sum = cpu_device().sum(context, x.span()),
                     squares = cpu_device().sum_of_squares(context, x.span());
        // At most 4096 / 4 additions in one float chain.
        ASSERT_NEAR(sum, exact, 1024 * 0x1p-24 * magnitude);
        ASSERT_NEAR(squares, exact_squares, 1024 * 0x1p-24 * exact_squares);
        if (threads == 1) {
          first_sum = sum;
          first_squares = squares;
        }
        ASSERT_EQ(sum, first_sum);
        ASSERT_EQ(squares, first_squares);
      }
    }
  });
}

TEST(CpuReductions, OnlyWhatIsNotFiniteMakesASumNotFinite) {
  test::on_every_target([] {
    Context context({.threads = 2});
    Guarded x(10'000, 1, 1.0f);
    x[7000] = 1e30f;
    EXPECT_NEAR(cpu_device().sum_of_squares(context, x.span()), 1e60, 1e54);
    x[7001] = -1e30f;
    x[7002] = 3e38f;
    x[7003] = 3e38f;
    EXPECT_NEAR(cpu_device().sum(context, x.span()), 6e38, 1e32);
    x[1] = nan;
    EXPECT_TRUE(std::isnan(cpu_device().sum(context, x.span())));
    EXPECT_TRUE(std::isnan(cpu_device().sum_of_squares(context, x.span())));
    x[1] = infinity;
    EXPECT_TRUE(std::isinf(cpu_device().sum_of_squares(context, x.span())));
  });
}

TEST(CpuRows, GatherScatterRowsAndColumnSums) {
  test::on_every_target([] {
    for (int threads : {1, 3}) {
      Context context({.threads = threads});
      for (std::int64_t width : {1, 3, 16, 17, 65, 300}) {
        const std::vector<std::int32_t> ids = {4, 0, 4, 4, 2, 1};
        const std::int64_t count = 6, classes = 5, padded = width + 2;
        Guarded table(classes * padded, 1), bias(width, 1), y(count * padded, 2), sums(width, 1),
            dtable(classes * padded, 3);
        Values values(11);
        values.fill(table.span());
        values.fill(bias.span());
        cpu_device().gather_rows(context, Matrix(table.data(), classes, width, padded), ids, bias.data(),
                                 Matrix(y.data(), count, width, padded));
        for (std::int64_t n = 0; n < count; ++n) {
          for (std::int64_t c = 0; c < width; ++c) {
            ASSERT_EQ(y[n * padded + c], table[ids[static_cast<std::size_t>(n)] * padded + c] + bias[c]);
          }
        }
        values.fill(y.span());
        cpu_device().scatter_add_rows(context, ids, Matrix(y.data(), count, width, padded),
                                      Matrix(dtable.data(), classes, width, padded));
        cpu_device().add_column_sums(context, Matrix(y.data(), count, width, padded), sums.data());
        for (std::int64_t c = 0; c < width; ++c) {
          float of_four = 0, of_all = 0;  // the same order of summation, so the same bits
          for (std::int64_t n = 0; n < count; ++n) {
            if (ids[static_cast<std::size_t>(n)] == 4) of_four += y[n * padded + c];
            of_all += y[n * padded + c];
          }
          ASSERT_EQ(dtable[4 * padded + c], of_four);
          ASSERT_EQ(dtable[3 * padded + c], 0.0f);
          ASSERT_EQ(sums[c], of_all);
        }
        y.expect_intact();
        dtable.expect_intact();
        sums.expect_intact();
      }
    }
  });
}

TEST(CpuRows, AddRowAlsoInPlace) {
  test::on_every_target([] {
    Context context({.threads = 3});
    for (std::int64_t width : {0, 1, 3, 16, 17, 65, 300}) {
      constexpr std::int64_t rows = 5;
      const std::int64_t padded = width + 2;
      Guarded x(rows * padded, 1), row(width, 2), y(rows * padded, 3);
      Values values(17);
      values.fill(x.span());
      values.fill(row.span());
      cpu_device().add_row(context, Matrix(x.data(), rows, width, padded), row.data(),
                           Matrix(y.data(), rows, width, padded));
      for (std::int64_t i = 0; i < rows * padded; ++i)
        ASSERT_EQ(y[i], i % padded < width ? x[i] + row[i % padded] : 0) << width;
      const Matrix in_place(x.data(), rows, width, padded);
      cpu_device().add_row(context, in_place, row.data(), in_place);
      for (std::int64_t i = 0; i < rows * padded; ++i) ASSERT_TRUE(i % padded >= width || x[i] == y[i]) << width;
      x.expect_intact();
      y.expect_intact();
      Guarded columns(width * rows, 1), z(rows * width, 2);
      values.fill(columns.span());
      cpu_device().add_row(context, ConstMatrix(columns.data(), width, rows).transposed(), row.data(),
                           Matrix(z.data(), rows, width));
      for (std::int64_t i = 0; i < rows * width; ++i)
        ASSERT_EQ(z[i], columns[i % width * rows + i / width] + row[i % width]) << width;
      z.expect_intact();
      Guarded sums(width, 1), expected(width, 1);
      cpu_device().add_column_sums(context, ConstMatrix(columns.data(), width, rows).transposed(), sums.data());
      for (std::int64_t i = 0; i < rows * width; ++i) expected[i % width] += columns[i % width * rows + i / width];
      for (std::int64_t i = 0; i < width; ++i) ASSERT_EQ(sums[i], expected[i]) << width;
    }
  });
}

TEST(CpuRows, CopyTransposesForEverySize) {
  for (int threads : {1, 3}) {
    Context context({.threads = threads});
    for (std::int64_t rows : {0, 1, 3, 65, 300}) {
      for (std::int64_t columns : {0, 1, 2, 63, 64, 65, 300}) {
        const std::int64_t padded = columns + 2;
        Guarded x(rows * padded, 1), y(columns * (rows + 1), 2, 7);
        Values(13).fill(x.span());
        cpu_device().copy(context, ConstMatrix(x.data(), rows, columns, padded).transposed(),
                          Matrix(y.data(), columns, rows, rows + 1));
        for (std::int64_t c = 0; c < columns; ++c) {
          for (std::int64_t r = 0; r < rows; ++r) ASSERT_EQ(y[c * (rows + 1) + r], x[r * padded + c]);
          ASSERT_EQ(y[c * (rows + 1) + rows], 7) << "written between the rows";
        }
        y.expect_intact();
      }
    }
  }
}

TEST(CpuDropout, KeepsTheShareScalesItAndRepeatsItself) {
  test::on_every_target([] {
    const std::int64_t size = 40'000;
    const Random random(9, RandomStream::dropout, 1, 2);
    Guarded x(size, 1), y(size, 2), again(size, 3);
    Values(5).fill(x.span());
    Context one({.threads = 1}), three({.threads = 3});
    cpu_device().dropout(one, random, 77, 0.3f, x.span(), y.span(), false);
    std::int64_t kept = 0;
    for (std::int64_t i = 0; i < size; ++i) {
      const bool keep = random.uniform(77 + static_cast<std::uint64_t>(i)) >= 0.3f;
      ASSERT_EQ(y[i], keep ? x[i] * (1 / (1 - 0.3f)) : 0.0f) << i;
      kept += keep ? 1 : 0;
    }
    EXPECT_NEAR(static_cast<double>(kept) / static_cast<double>(size), 0.7,
                4 * std::sqrt(0.21 / static_cast<double>(size)));
    cpu_device().dropout(three, random, 77, 0.3f, x.span(), again.span(), true);
    for (std::int64_t i = 0; i < size; ++i) ASSERT_EQ(y[i], again[i]) << i;
    x[3] = nan;  // must not be hidden, even if the element is dropped
    cpu_device().dropout(one, random, 77, 0.999f, x.span(), y.span(), false);
    EXPECT_TRUE(std::isnan(y[3]));
  });
}

}  // namespace
}  // namespace unroll
