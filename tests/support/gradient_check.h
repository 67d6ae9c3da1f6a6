#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <vector>

// Derivatives of a function f(const std::vector<Real>&) -> Real, one variable at a time.

namespace unroll::test {

/// Im f(x + i h e_k) / h for every k. No difference is computed, so h can be so small that only rounding errors remain.
/// f is called with Real = std::complex<double> and must be analytic around x. (Squire and Trapp, SIAM Review 40,
/// 1998.)
template <class F>
std::vector<double> complex_step_gradient(const F& f, const std::vector<double>& x) {
  constexpr double step = 1e-50;
  std::vector<std::complex<double>> moved(x.begin(), x.end());
  std::vector<double> gradient(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    moved[k] = {x[k], step};
    gradient[k] = f(moved).imag() / step;
    moved[k] = x[k];
  }
  return gradient;
}

/// (f(x + h e_k) - f(x - h e_k)) / 2h, for functions with kinks (away from them). Error about 1e-10 times the size of
/// f's derivatives.
template <class F>
std::vector<double> central_difference_gradient(const F& f, const std::vector<double>& x) {
  std::vector<double> moved = x;
  std::vector<double> gradient(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    const double step = 6e-6 * std::max(1.0, std::abs(x[k]));  // the cube root of double's epsilon balances both errors
    moved[k] = x[k] + step;
    const double above = f(moved);
    moved[k] = x[k] - step;
    gradient[k] = (above - f(moved)) / (2 * step);
    moved[k] = x[k];
  }
  return gradient;
}

}  // namespace unroll::test
