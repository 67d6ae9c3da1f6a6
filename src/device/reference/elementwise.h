#pragma once

#include <cmath>
#include <cstdint>

#include "device/device.h"
#include "device/reference/number.h"

// Elementwise functions and their derivatives (slopes). A slope is computed from the result of the function if
// possible, because the result is what a backward pass has in memory.

namespace unroll::ref {

/// 1 / (1 + e^-x). Needs no case distinction: if e^-x overflows, the quotient is 0, which is correct.
template <class Real>
Real sigmoid(const Real& x) {
  using std::exp;
  return Real(1) / (Real(1) + exp(-x));
}

/// max(0, x). The comparison is written so that NaN stays NaN.
template <class Real>
Real relu(const Real& x) {
  return real_part(x) < 0 ? Real(0) : x;
}

template <class Real>
Real tanh_slope(const Real& y) {
  return Real(1) - y * y;
}

template <class Real>
Real sigmoid_slope(const Real& y) {
  return y * (Real(1) - y);
}

/// 0 at x = 0.
template <class Real>
Real relu_slope(const Real& y) {
  return real_part(y) > 0 ? Real(1) : Real(0);
}

template <class Real>
Real unary(Unary op, const Real& x) {
  using std::exp;
  using std::log;
  using std::tanh;
  switch (op) {
    case Unary::negate:
      return -x;
    case Unary::tanh:
      return tanh(x);
    case Unary::sigmoid:
      return sigmoid(x);
    case Unary::relu:
      return relu(x);
    case Unary::exp:
      return exp(x);
    case Unary::log:
      break;
  }
  return log(x);
}

/// op'(x), where y = op(x).
template <class Real>
Real unary_slope(Unary op, const Real& x, const Real& y) {
  switch (op) {
    case Unary::negate:
      return Real(-1);
    case Unary::tanh:
      return tanh_slope(y);
    case Unary::sigmoid:
      return sigmoid_slope(y);
    case Unary::relu:
      return relu_slope(y);
    case Unary::exp:
      return y;
    case Unary::log:
      break;
  }
  return Real(1) / x;
}

template <class Real>
Real binary(Binary op, const Real& a, const Real& b) {
  switch (op) {
    case Binary::add:
      return a + b;
    case Binary::subtract:
      return a - b;
    case Binary::multiply:
      return a * b;
    case Binary::divide:
      break;
  }
  return a / b;
}

/// Factor of element `index`: 0 with probability p, otherwise 1 / (1 - p), so that the mean does not change
/// (Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov 2014, in the inverted form).
template <class Real>
Real dropout_factor(const Random& random, std::uint64_t index, float p) {
  return random.uniform(index) >= p ? Real(1) / (Real(1) - Real(p)) : Real(0);
}

}  // namespace unroll::ref
