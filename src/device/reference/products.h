#pragma once

#include <cstdint>
#include <span>
#include <type_traits>

#include "device/reference/number.h"

// Matrix products; with a one-hot factor they become gather_rows and scatter_add_rows.

namespace unroll::ref {

/// Initial value of C, as in unroll::Accumulate.
enum class InitialC { zero, c, row };

/// C = start + A B with A [M, K], B [K, N], C [M, N]. Each element is one chain in ascending k. `row` has N values and
/// is read if from == InitialC::row.
template <class Real>
void gemm(const Grid<const std::type_identity_t<Real>>& a, const Grid<const std::type_identity_t<Real>>& b,
          const Grid<Real>& c, InitialC from = InitialC::zero, const std::type_identity_t<Real>* row = nullptr) {
  for (std::int64_t m = 0; m < c.rows; ++m) {
    for (std::int64_t n = 0; n < c.columns; ++n) {
      Real sum = from == InitialC::zero ? Real(0) : from == InitialC::c ? c(m, n) : row[n];
      for (std::int64_t k = 0; k < a.columns; ++k) sum = sum + a(m, k) * b(k, n);
      c(m, n) = sum;
    }
  }
}

/// y[n] = table[ids[n]] + bias; bias may be null.
template <class Real>
void gather_rows(const Grid<const std::type_identity_t<Real>>& table, std::span<const std::int32_t> ids,
                 const std::type_identity_t<Real>* bias, const Grid<Real>& y) {
  for (std::int64_t n = 0; n < y.rows; ++n) {
    const std::int32_t id = ids[static_cast<std::size_t>(n)];
    for (std::int64_t j = 0; j < y.columns; ++j) y(n, j) = bias == nullptr ? table(id, j) : table(id, j) + bias[j];
  }
}

/// dtable[ids[n]] += dy[n], in the order of n: the derivative of gather_rows.
template <class Real>
void scatter_add_rows(std::span<const std::int32_t> ids, const Grid<const std::type_identity_t<Real>>& dy,
                      const Grid<Real>& dtable) {
  for (std::int64_t n = 0; n < dy.rows; ++n) {
    const std::int32_t id = ids[static_cast<std::size_t>(n)];
    for (std::int64_t j = 0; j < dy.columns; ++j) dtable(id, j) = dtable(id, j) + dy(n, j);
  }
}

/// sums += the rows of x, in order.
template <class Real>
void add_column_sums(const Grid<const std::type_identity_t<Real>>& x, Real* sums) {
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t c = 0; c < x.columns; ++c) sums[c] = sums[c] + x(r, c);
  }
}

}  // namespace unroll::ref
