#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

// A number type that computes a result in double and, beside it, an error bound of the same formula in Float. A
// reference template that is instantiated with it computes its own error bound, so no tolerance is chosen by hand.

namespace unroll::test {

/// Half the distance from 1 to the next number: the relative error of one correctly rounded operation.
template <class Float>
constexpr double unit_roundoff() {
  return static_cast<double>(std::numeric_limits<Float>::epsilon()) / 2;
}

/// n u / (1 - n u): bound of the relative error of n successive roundings, and of a sum with n additions in any order,
/// relative to the sum of magnitudes. (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., lemma 3.1 and
/// section 4.2.)
template <class Float>
constexpr double gamma_of(std::int64_t n) {
  const double nu = static_cast<double>(n) * unit_roundoff<Float>();
  return nu / (1 - nu);
}

/// Largest error of flushing a denormal result to zero.
template <class Float>
constexpr double tiny_of() {
  return static_cast<double>(std::numeric_limits<Float>::min());
}

/// Running error analysis (Higham, section 3.3), independent of the order of summation: a value stores the sum of the
/// magnitudes of its terms, and the number of additions that joined them. For a dot product of length K this gives
/// gamma_(K+1) * sum |a_k b_k|. In a recurrence, the error of a step is that of its own sums plus that of the previous
/// state, multiplied by |weights| and by the slopes of the activations. If the absolute column sums of the weights
/// exceed 1, the bound grows geometrically with T, as the worst case does. Use short sequences or small weights to keep
/// it tight.
///
/// exp, log and tanh are assumed to be within `function_ulps` of the exact function, which the kernels guarantee.
template <class Float>
class Tracked {
 public:
  static constexpr double function_ulps = 4;

  Tracked() = default;
  /// An exact constant or input.
  explicit Tracked(double value) : value_(value), magnitude_(std::abs(value)) {}

  double value() const { return value_; }

  /// Bound of the distance of a computation in Float from the exact result.
  double error() const { return inherited_ + gamma_of<Float>(additions_) * (magnitude_ + inherited_); }

  friend Tracked operator+(const Tracked& a, const Tracked& b) { return a.plus(b, a.value_ + b.value_); }
  friend Tracked operator-(const Tracked& a, const Tracked& b) { return a.plus(b, a.value_ - b.value_); }
  friend Tracked operator-(Tracked a) {
    a.value_ = -a.value_;
    return a;
  }

  friend Tracked operator*(const Tracked& a, const Tracked& b) {
    const double ea = a.error(), eb = b.error();
    const double carried = std::abs(a.value_) * eb + std::abs(b.value_) * ea + ea * eb;
    // A denormal operand may be treated as zero.
    const double flushed = tiny_of<Float>() * (std::abs(a.value_) + std::abs(b.value_));
    return rounded(a.value_ * b.value_, carried + flushed, 1);
  }

  /// Counts two roundings, because a kernel may multiply by the reciprocal.
  friend Tracked operator/(const Tracked& a, const Tracked& b) {
    const double q = a.value_ / b.value_, eb = b.error();
    const double least = std::abs(b.value_) - eb;
    const double carried = least > 0 ? (a.error() + std::abs(q) * eb) / least : infinity();
    return rounded(q, std::isinf(b.value_) ? 0 : carried, 2);
  }

  friend Tracked exp(const Tracked& x) {
    const double y = std::exp(x.value_);
    return rounded(y, y == 0 ? 0 : y * std::expm1(x.error()), 2 * function_ulps);
  }

  friend Tracked log(const Tracked& x) {
    const double least = x.value_ - x.error();
    return rounded(std::log(x.value_), least > 0 ? x.error() / least : infinity(), 2 * function_ulps);
  }

  friend Tracked tanh(const Tracked& x) {
    const double nearest_zero = std::max(0.0, std::abs(x.value_) - x.error());
    const double flattest = std::tanh(nearest_zero);
    const double carried = std::min(2.0, (1 - flattest * flattest) * x.error());
    return rounded(std::tanh(x.value_), carried, 2 * function_ulps);
  }

  friend Tracked sqrt(const Tracked& x) {
    const double e = x.error(), root = std::sqrt(x.value_);
    const double carried = e == 0 ? 0 : e / (root + std::sqrt(std::max(0.0, x.value_ - e)));
    return rounded(root, carried, 1);
  }

  /// If the sign is uncertain, the value in Float may be on either side of the kink: the error of max(0, x) is at most
  /// that of x, but the slope may be 0 or 1. An exact 0 means that the sign was certain.
  friend Tracked relu(const Tracked& x) {
    return x.value_ < -x.error() ? Tracked(0) : rounded(x.value_ < 0 ? 0 : x.value_, x.error(), 0);
  }
  friend Tracked relu_slope(const Tracked& y) {
    Tracked slope(y.value_ > 0 ? 1 : 0);
    if (y.error() > 0 && y.value_ <= y.error()) slope.inherited_ = 1;
    return slope;
  }

  friend double real_part(const Tracked& x) { return x.value_; }

 private:
  static double infinity() { return std::numeric_limits<double>::infinity(); }

  /// A value with the error `carried` of its operands that is then rounded, `roundings` times half a unit in the last
  /// place.
  static Tracked rounded(double value, double carried, double roundings) {
    Tracked result(value);
    result.inherited_ = carried + roundings * unit_roundoff<Float>() * (std::abs(value) + carried) + tiny_of<Float>();
    return result;
  }

  Tracked plus(const Tracked& b, double value) const {
    Tracked result;
    result.value_ = value;
    result.magnitude_ = magnitude_ + b.magnitude_;
    result.inherited_ = inherited_ + b.inherited_ + tiny_of<Float>();
    result.additions_ = additions_ + b.additions_ + 1;
    return result;
  }

  double value_ = 0;
  double magnitude_ = 0;        // sum of |terms|
  double inherited_ = 0;        // sum of the terms' own errors
  std::int64_t additions_ = 0;  // number of additions that joined the terms
};

}  // namespace unroll::test
