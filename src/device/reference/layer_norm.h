#pragma once

#include <cstdint>

#include "device/reference/number.h"
#include "device/reference/products.h"

// Layer normalization (Ba, Kiros, Hinton: Layer Normalization. arXiv:1607.06450, 2016), row by row, over any number
// type.

namespace unroll::ref {

/// normalized = (x - mean) * scale with scale = 1 / sqrt(variance + epsilon), the variance being the mean square of
/// x - mean; y = normalized * gain + bias.
template <class Real>
void layer_norm(Grid<const Real> x, const Real* gain, const Real* bias, const Real& epsilon, Grid<Real> normalized,
                Real* scales, Grid<Real> y) {
  using std::sqrt;
  const Real columns = Real(static_cast<double>(x.columns));
  for (std::int64_t r = 0; r < x.rows; ++r) {
    Real sum = Real(0), squares = Real(0);
    for (std::int64_t c = 0; c < x.columns; ++c) sum = sum + x(r, c);
    const Real mean = sum / columns;
    for (std::int64_t c = 0; c < x.columns; ++c) squares = squares + (x(r, c) - mean) * (x(r, c) - mean);
    scales[r] = Real(1) / sqrt(squares / columns + epsilon);
    for (std::int64_t c = 0; c < x.columns; ++c) {
      normalized(r, c) = (x(r, c) - mean) * scales[r];
      y(r, c) = normalized(r, c) * gain[c] + bias[c];
    }
  }
}

/// With g = dy * gain: dx += scale * (g - mean(g) - normalized * mean(g * normalized)); d_gain += dy * normalized,
/// d_bias += dy, each over all rows.
template <class Real>
void layer_norm_backward(Grid<const Real> normalized, const Real* scales, const Real* gain, Grid<const Real> dy,
                         Grid<Real> dx, Real* d_gain, Real* d_bias) {
  const Real columns = Real(static_cast<double>(dy.columns));
  for (std::int64_t r = 0; r < dy.rows; ++r) {
    Real sum = Real(0), along = Real(0);
    for (std::int64_t c = 0; c < dy.columns; ++c) {
      const Real g = dy(r, c) * gain[c];
      sum = sum + g;
      along = along + g * normalized(r, c);
      d_gain[c] = d_gain[c] + dy(r, c) * normalized(r, c);
      d_bias[c] = d_bias[c] + dy(r, c);
    }
    for (std::int64_t c = 0; c < dy.columns; ++c)
      dx(r, c) = dx(r, c) + scales[r] * (dy(r, c) * gain[c] - sum / columns - normalized(r, c) * (along / columns));
  }
}

}  // namespace unroll::ref
