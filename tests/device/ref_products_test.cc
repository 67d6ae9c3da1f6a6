#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "device/reference/products.h"
#include "support/bounds.h"
#include "support/random_data.h"

namespace unroll::test {
namespace {

using ref::Grid;
using ref::InitialC;

template <class Real>
Grid<Real> grid(std::vector<Real>& values, std::int64_t rows, std::int64_t columns) {
  EXPECT_EQ(static_cast<std::int64_t>(values.size()), rows * columns);
  return {values.data(), rows, columns};
}

TEST(RefGemm, SmallProductByHand) {
  std::vector<float> a = {1, 2, 3, 4, 5, 6}, b = {1, 0, 2, 1, -1, 3}, c = {100, 200, 300, 400}, row = {10, 20};
  const Grid<float> result = grid(c, 2, 2);
  ref::gemm(grid(a, 2, 3), grid(b, 3, 2), result, InitialC::c);
  EXPECT_EQ(c, (std::vector<float>{102, 211, 308, 423}));
  ref::gemm(grid(a, 2, 3), grid(b, 3, 2), result, InitialC::row, row.data());
  EXPECT_EQ(c, (std::vector<float>{12, 31, 18, 43}));
  ref::gemm(grid(a, 2, 3), grid(b, 3, 2), result);
  EXPECT_EQ(c, (std::vector<float>{2, 11, 8, 23}));
}

TEST(RefGemm, TransposedOperandsAreTheSameMemoryWithOtherStrides) {
  RandomData data(31);
  const std::int64_t m = 3, k = 5, n = 4;
  std::vector<double> a = data.uniform<double>(m * k), b = data.uniform<double>(k * n);
  std::vector<double> at(a.size()), bt(b.size()), plain(12), strided(12);
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < k; ++j) grid(at, k, m)(j, i) = grid(a, m, k)(i, j);
  }
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j < n; ++j) grid(bt, n, k)(j, i) = grid(b, k, n)(i, j);
  }
  ref::gemm(grid(a, m, k), grid(b, k, n), grid(plain, m, n));
  ref::gemm(grid(at, k, m).transposed(), grid(bt, n, k).transposed(), grid(strided, m, n));
  EXPECT_EQ(plain, strided);
}

TEST(RefGemm, IsOneChainInAscendingK) {
  // Only in ascending order do the large terms cancel before the small one is added; otherwise it is lost.
  std::vector<float> ascending = {1e8f, -1e8f, 1}, other = {1e8f, 1, -1e8f}, ones = {1, 1, 1}, c = {0};
  ref::gemm(grid(ascending, 1, 3), grid(ones, 3, 1), grid(c, 1, 1));
  EXPECT_EQ(c[0], 1);
  ref::gemm(grid(other, 1, 3), grid(ones, 3, 1), grid(c, 1, 1));
  EXPECT_EQ(c[0], 0);
}

TEST(RefGemm, FloatStaysWithinTheBoundOfADotProduct) {
  BoundReport report("gemm in float");
  RandomData data(32);
  for (const std::int64_t k : {0, 1, 7, 64, 501}) {
    const std::int64_t m = 3, n = 5;
    const std::vector<float> a = data.uniform<float>(m * k), b = data.uniform<float>(k * n);
    std::vector<float> c = data.uniform<float>(m * n);
    const std::vector<float> start = c;
    ref::gemm(Grid<const float>(a.data(), m, k), Grid<const float>(b.data(), k, n), grid(c, m, n), InitialC::c);
    for (std::int64_t i = 0; i < m * n; ++i) {
      double exact = start[static_cast<std::size_t>(i)], magnitude = std::abs(exact);
      for (std::int64_t l = 0; l < k; ++l) {
        const double term = static_cast<double>(a[static_cast<std::size_t>(i / n * k + l)]) *
                            static_cast<double>(b[static_cast<std::size_t>(l * n + i % n)]);
        exact += term;
        magnitude += std::abs(term);
      }
      report.add(c[static_cast<std::size_t>(i)], exact, dot_bound(k, magnitude), "c", static_cast<std::size_t>(i));
    }
  }
}

TEST(RefGemm, NanAndInfinityAreNotHidden) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
  std::vector<float> a = {0, 1}, b = {nan, 0, 1, infinity}, c(2);
  ref::gemm(grid(a, 1, 2), grid(b, 2, 2), grid(c, 1, 2));
  EXPECT_TRUE(std::isnan(c[0])) << "0 * NaN";
  EXPECT_EQ(c[1], infinity);
}

TEST(RefRows, GatherIsAOneHotProductAndScatterItsTranspose) {
  RandomData data(33);
  const std::int64_t symbols = 5, width = 3, count = 8;
  std::vector<double> table = data.uniform<double>(symbols * width), bias = data.uniform<double>(width);
  const std::vector<std::int32_t> ids = data.ids(count, static_cast<std::int32_t>(symbols));
  std::vector<double> one_hot(40, 0.0);
  for (std::int64_t n = 0; n < count; ++n) grid(one_hot, count, symbols)(n, ids[static_cast<std::size_t>(n)]) = 1;

  std::vector<double> gathered(24), product(24);
  ref::gather_rows(grid(table, symbols, width), ids, nullptr, grid(gathered, count, width));
  ref::gemm(grid(one_hot, count, symbols), grid(table, symbols, width), grid(product, count, width));
  EXPECT_EQ(gathered, product);
  ref::gather_rows(grid(table, symbols, width), ids, bias.data(), grid(gathered, count, width));
  for (std::size_t i = 0; i < gathered.size(); ++i) EXPECT_EQ(gathered[i], product[i] + bias[i % 3]);

  std::vector<double> dy = data.uniform<double>(24), pseudo_random_ids = data.uniform<double>(15),
                      transposed = pseudo_random_ids;
  ref::scatter_add_rows(ids, grid(dy, count, width), grid(pseudo_random_ids, symbols, width));
  ref::gemm(grid(one_hot, count, symbols).transposed(), grid(dy, count, width), grid(transposed, symbols, width),
            InitialC::c);
  EXPECT_EQ(pseudo_random_ids, transposed);
}

TEST(RefRows, ColumnSumsAddUpInOrder) {
  std::vector<float> x = {1, 2, 3, 4, 5, 6}, sums = {10, 20};
  ref::add_column_sums(grid(x, 3, 2), sums.data());
  EXPECT_EQ(sums, (std::vector<float>{19, 32}));
}

}  // namespace
}  // namespace unroll::test
