#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "device/cpu/gemm.h"
#include "device/device.h"
#include "device/every_target.h"
#include "device/guarded.h"

namespace unroll {
namespace {

using test::Guarded;
using test::Values;

struct Case {
  std::int64_t rows, columns, depth;
  bool transpose_a, transpose_b;
  Accumulate::Kind start;
  std::int64_t misalignment;
};

/// Operands with padding between their rows, so that strides differ from widths.
struct Operands {
  explicit Operands(const Case& test)
      : pad(3),
        a(test.rows * test.depth + pad * (test.rows + test.depth), test.misalignment),
        b(test.depth * test.columns + pad * (test.depth + test.columns), test.misalignment + 1),
        c(test.rows * (test.columns + pad), test.misalignment + 2),
        bias(test.columns, test.misalignment) {
    Values values(static_cast<std::uint32_t>(test.rows * 31 + test.columns * 7 + test.depth));
    values.fill(a.span());
    values.fill(b.span());
    values.fill(c.span());
    values.fill(bias.span());
    left = test.transpose_a ? ConstMatrix(a.data(), test.depth, test.rows, test.rows + pad).transposed()
                            : ConstMatrix(a.data(), test.rows, test.depth, test.depth + pad);
    right = test.transpose_b ? ConstMatrix(b.data(), test.columns, test.depth, test.depth + pad).transposed()
                             : ConstMatrix(b.data(), test.depth, test.columns, test.columns + pad);
    result = Matrix(c.data(), test.rows, test.columns, test.columns + pad);
  }
  Accumulate start(Accumulate::Kind kind) {
    return kind == Accumulate::overwrite  ? Accumulate::onto_zero()
           : kind == Accumulate::bias_row ? Accumulate::onto_bias(bias.data())
                                          : Accumulate::onto_c();
  }
  std::int64_t pad;
  Guarded a, b, c, bias;
  ConstMatrix left, right;
  Matrix result;
};

/// |computed - exact| <= (depth + 1) eps / (1 - ..) * sum of |terms|: Higham, Accuracy and Stability, (3.5); eps =
/// 2^-24.
void expect_product(const Case& test, Context& context, double* worst) {
  Operands o(test);
  Guarded before = o.c;
  cpu_device().gemm(context, o.left, o.right, o.result, o.start(test.start));
  const std::int64_t before_stride = test.columns + o.pad;
  for (std::int64_t r = 0; r < test.rows; ++r) {
    for (std::int64_t c = 0; c < before_stride; ++c) {
      const float was = before[r * before_stride + c], is = o.c[r * before_stride + c];
      if (c >= test.columns) {
        ASSERT_EQ(was, is) << "padding written at " << r << ", " << c;
        continue;
      }
      double exact = test.start == Accumulate::overwrite  ? 0.0
                     : test.start == Accumulate::bias_row ? double{o.bias[c]}
                                                          : double{was};
      double magnitude = std::abs(exact);
      for (std::int64_t k = 0; k < test.depth; ++k) {
        const double term = double{o.left.at(r, k)} * double{o.right.at(k, c)};
        exact += term;
        magnitude += std::abs(term);
      }
      // Without fused multiply-add each term is rounded once more.
      const double bound = static_cast<double>(2 * test.depth + 1) * 0x1p-24 * magnitude + 1e-30;
      *worst = std::max(*worst, std::abs(double{is} - exact) / bound);
      ASSERT_LE(std::abs(double{is} - exact), bound)
          << test.rows << " x " << test.columns << " x " << test.depth << " at " << r << ", " << c;
    }
  }
  o.c.expect_intact();
}

TEST(CpuGemm, AgreesWithTheDefinitionOnEveryTargetShapeAndStride) {
  test::on_every_target([] {
    Context context({.threads = 2});
    double worst = 0;
    for (std::int64_t rows : {1, 2, 3, 5, 6, 7, 11, 13, 19}) {
      for (std::int64_t columns : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 48, 63, 64, 65, 100, 129}) {
        for (std::int64_t depth : {1, 2, 5, 17}) {
          const auto variant = (rows * 5 + columns * 3 + depth) % 12;
          const Case test{rows,
                          columns,
                          depth,
                          variant % 2 == 1,
                          variant / 2 % 2 == 1,
                          static_cast<Accumulate::Kind>(variant / 4),
                          variant % 5};
          expect_product(test, context, &worst);
        }
      }
    }
    RecordProperty("error_over_bound", std::to_string(worst));
    std::printf("[ BOUND    ] gemm, worst error / bound: %.3f\n", worst);
  });
}

TEST(CpuGemm, AgreesOnDepthsThatNeedSeveralBlocks) {
  test::on_every_target([] {
    Context context({.threads = 2});
    double worst = 0;
    for (std::int64_t depth : {383, 384, 385, 768, 769}) {
      for (bool transpose : {false, true})
        expect_product({9, 70, depth, transpose, !transpose, Accumulate::add, 1}, context, &worst);
    }
  });
}

TEST(CpuGemm, AgreesOnRowsThatNeedSeveralBlocks) {
  test::on_every_target([] {
    Context context({.threads = 2});
    double worst = 0;
    for (std::int64_t rows : {47, 48, 49, 131, 132, 133, 265}) {
      for (bool transpose : {false, true})
        expect_product({rows, 67, 330, transpose, !transpose, Accumulate::add, 1}, context, &worst);
    }
  });
}

TEST(CpuGemm, TheWeightGradientAddsEachRowToTheBiasOnceAndInOrder) {
  test::on_every_target([] {
    for (std::int64_t in : {1, 5, 70, 300}) {
      const Case test{in, 77, 400, true, false, Accumulate::add, 1};
      Operands together(test), separate(test);
      Context context({.threads = 3});
      cpu_device().weight_gradient(context, together.left.transposed(), together.right, together.result,
                                   together.bias.data());
      cpu_device().gemm(context, separate.left, separate.right, separate.result, Accumulate::onto_c());
      cpu_device().add_column_sums(context, separate.right, separate.bias.data());
      ASSERT_EQ(0, std::memcmp(together.bias.data(), separate.bias.data(), 77 * sizeof(float))) << in << " inputs";
      for (std::int64_t r = 0; r < in; ++r)
        ASSERT_EQ(0, std::memcmp(together.result.row(r), separate.result.row(r), 77 * sizeof(float)))
            << in << ", " << r;
      together.bias.expect_intact();
    }
  });
}

/// Largest share of the work of one thread, if every thread gets the same number of parts.
double max_share(const cpu::Product& product, std::int64_t threads) {
  const std::int64_t parts = cpu::part_count(product), panels = cpu::panel_count(product.c.columns);
  std::int64_t width = 1;
  while (cpu::panel_count(width + 1) == 1) ++width;
  double largest = 0;
  for (std::int64_t thread = 0; thread < threads; ++thread) {
    std::int64_t columns = 0;
    for (std::int64_t part = parts * thread / threads; part < parts * (thread + 1) / threads; ++part)
      columns += std::min(width, product.c.columns - part % panels * width);
    largest =
        std::max(largest, static_cast<double>(columns) / static_cast<double>(product.row_splits * product.c.columns));
  }
  return largest;
}

TEST(CpuGemm, ThreadsGetAboutEqualWorkAlsoWhereTheLastPanelIsNarrow) {
  for (std::int64_t columns : {1, 65, 256, 1027}) {
    for (std::int64_t threads : {1, 2, 3, 8}) {
      cpu::Product product;
      product.a = ConstMatrix(nullptr, 8192, 512);
      product.b = ConstMatrix(nullptr, 512, columns);
      product.c = Matrix(nullptr, 8192, columns);
      product.row_splits = cpu::row_splits(product, threads);
      EXPECT_LE(max_share(product, threads), 1.2 / static_cast<double>(threads))
          << columns << " columns, " << threads << " threads, " << product.row_splits << " ranges of rows";
    }
  }
}

TEST(CpuGemm, DepthZeroGivesTheStart) {
  Context context({.threads = 1});
  double worst = 0;
  for (auto kind : {Accumulate::overwrite, Accumulate::bias_row, Accumulate::add})
    expect_product({4, 21, 0, false, false, kind, 0}, context, &worst);
  expect_product({0, 5, 3, false, false, Accumulate::overwrite, 0}, context, &worst);
  expect_product({5, 0, 3, false, false, Accumulate::overwrite, 0}, context, &worst);
}

/// Products of up to 48 rows read the right operand in place; larger ones read a packed copy, in blocks of unequal
/// depth.
TEST(CpuGemm, ARowHasTheSameBitsInAnyBatch) {
  constexpr std::int64_t all = 150;
  test::on_every_target([] {
    const Case whole_case{all, 300, 1000, false, false, Accumulate::bias_row, 0};
    Operands whole(whole_case);
    Context one({.threads = 1});
    cpu_device().gemm(one, whole.left, whole.right, whole.result, whole.start(Accumulate::bias_row));
    for (int threads : {1, 2, 3, 8}) {
      for (std::int64_t count : {1, 2, 7, 23, 48, 49, 133}) {
        Operands part(whole_case);
        Context context({.threads = threads});
        const std::int64_t first = (all - count) / 2;
        cpu_device().gemm(context, part.left.row_range(first, count), part.right, part.result.row_range(first, count),
                          part.start(Accumulate::bias_row));
        for (std::int64_t r = first; r < first + count; ++r) {
          ASSERT_EQ(0, std::memcmp(part.result.row(r), whole.result.row(r), 300 * sizeof(float)))
              << count << " rows, " << threads << " threads, row " << r;
        }
      }
    }
  });
}

/// Threads that work on different blocks of k at the same time pack into parts of one buffer.
TEST(CpuGemm, ThreadsDoNotDisturbEachOther) {
  test::on_every_target([] {
    const Case test{160, 400, 1151, false, false, Accumulate::overwrite, 0};
    Operands alone(test);
    Context one({.threads = 1});
    cpu_device().gemm(one, alone.left, alone.right, alone.result, Accumulate::onto_zero());
    Context many({.threads = 4});
    Operands together(test);
    for (int round = 0; round < 20; ++round) {
      cpu_device().gemm(many, together.left, together.right, together.result, Accumulate::onto_zero());
      for (std::int64_t r = 0; r < test.rows; ++r) {
        ASSERT_EQ(0, std::memcmp(together.result.row(r), alone.result.row(r), 400 * sizeof(float)))
            << "round " << round << ", row " << r;
      }
    }
  });
}

TEST(CpuGemm, NanAndInfinityReachExactlyTheirRowAndColumn) {
  test::on_every_target([] {
    const Case test{7, 35, 20, false, false, Accumulate::overwrite, 0};
    Operands o(test);
    Context context({.threads = 1});
    const_cast<float&>(o.left.data[2 * o.left.row_stride + 4]) = std::numeric_limits<float>::quiet_NaN();
    const_cast<float&>(o.right.data[3 * o.right.row_stride + 34]) = std::numeric_limits<float>::infinity();
    cpu_device().gemm(context, o.left, o.right, o.result, Accumulate::onto_zero());
    for (std::int64_t r = 0; r < 7; ++r) {
      for (std::int64_t c = 0; c < 35; ++c) {
        if (r == 2) {
          ASSERT_TRUE(std::isnan(o.result.at(r, c)));
        } else if (c == 34) {
          ASSERT_TRUE(std::isinf(o.result.at(r, c)));
        } else {
          ASSERT_TRUE(std::isfinite(o.result.at(r, c)));
        }
      }
    }
  });
}

}  // namespace
}  // namespace unroll
