#pragma once

#include <complex>
#include <cstdint>

// The reference formulas are templates over the number type Real: float, double, std::complex<double> for complex-step
// derivatives, or a test's own type with arithmetic, exp, log, tanh, sqrt and real_part.

namespace unroll::ref {

/// The part of a number that comparisons use. Other number types overload it in their own namespace.
inline float real_part(float x) { return x; }
inline double real_part(double x) { return x; }
inline double real_part(const std::complex<double>& x) { return x.real(); }

/// Type of long sums: double for float.
template <class Real>
struct AccumulatorOf {
  using Type = Real;
};
template <>
struct AccumulatorOf<float> {
  using Type = double;
};
template <class Real>
using Accumulator = typename AccumulatorOf<Real>::Type;

/// Strided view of a matrix: element (r, c) is data[r * row_stride + c * column_stride]. Element is Real, or const Real
/// if it is only read.
template <class Element>
struct Grid {
  Element* data = nullptr;
  std::int64_t rows = 0, columns = 0;
  std::int64_t row_stride = 0, column_stride = 1;

  Grid() = default;
  Grid(Element* d, std::int64_t r, std::int64_t c) : Grid(d, r, c, c, 1) {}
  Grid(Element* d, std::int64_t r, std::int64_t c, std::int64_t rs, std::int64_t cs)
      : data(d), rows(r), columns(c), row_stride(rs), column_stride(cs) {}

  Element& operator()(std::int64_t r, std::int64_t c) const { return data[r * row_stride + c * column_stride]; }
  Grid transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  operator Grid<const Element>() const { return {data, rows, columns, row_stride, column_stride}; }
};

}  // namespace unroll::ref
