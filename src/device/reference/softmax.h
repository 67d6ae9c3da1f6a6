#pragma once

#include <cmath>
#include <cstdint>

#include "device/device.h"
#include "device/reference/cross_entropy.h"
#include "device/reference/number.h"

namespace unroll::ref {

/// For each row softmax(x)[j] = e^x[j] / sum_k e^x[k], or its logarithm, x[j] - log sum_k e^x[k]. The largest element
/// is subtracted from all, as in softmax_cross_entropy().
template <class Real>
void softmax(Softmax kind, Grid<const Real> x, Grid<Real> y) {
  using std::exp;
  using std::log;
  if (x.columns == 0) return;
  for (std::int64_t r = 0; r < x.rows; ++r) {
    for (std::int64_t c = 0; c < x.columns; ++c) y(r, c) = x(r, c);
    const Real largest = y(r, first_largest(&y(r, 0), y.columns));
    Real total = Real(0);
    for (std::int64_t c = 0; c < x.columns; ++c) total = total + exp(x(r, c) - largest);
    for (std::int64_t c = 0; c < x.columns; ++c) {
      const Real shifted = x(r, c) - largest;
      y(r, c) = kind == Softmax::probabilities ? exp(shifted) / total : shifted - log(total);
    }
  }
}

/// dx += y (dy - sum(dy y)) for y = softmax(x), dx += dy - e^y sum(dy) for its logarithm.
template <class Real>
void softmax_backward(Softmax kind, Grid<const Real> y, Grid<const Real> dy, Grid<Real> dx) {
  using std::exp;
  for (std::int64_t r = 0; r < y.rows; ++r) {
    Real sum = Real(0);
    for (std::int64_t c = 0; c < y.columns; ++c) {
      sum = sum + (kind == Softmax::probabilities ? dy(r, c) * y(r, c) : dy(r, c));
    }
    for (std::int64_t c = 0; c < y.columns; ++c) {
      dx(r, c) =
          dx(r, c) + (kind == Softmax::probabilities ? y(r, c) * (dy(r, c) - sum) : dy(r, c) - exp(y(r, c)) * sum);
    }
  }
}

}  // namespace unroll::ref
