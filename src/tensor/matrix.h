#pragma once

#include <cstdint>

#include "unroll/tensor.h"

namespace unroll {

/// A two-dimensional, possibly strided view of floats, the input type of the kernels: element (r, c) is data[r *
/// row_stride + c * column_stride]. A transposed operand is the same memory with the strides exchanged.
struct ConstMatrix {
  const float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 1;

  ConstMatrix() = default;
  ConstMatrix(const float* d, std::int64_t r, std::int64_t c) : data(d), rows(r), columns(c), row_stride(c) {}
  ConstMatrix(const float* d, std::int64_t r, std::int64_t c, std::int64_t rs, std::int64_t cs = 1)
      : data(d), rows(r), columns(c), row_stride(rs), column_stride(cs) {}
  /// Leading dimensions flattened into rows.
  explicit ConstMatrix(const ConstView& v) : ConstMatrix(v.data, v.shape.rows(), v.shape.columns()) {}

  float at(std::int64_t r, std::int64_t c) const { return data[r * row_stride + c * column_stride]; }
  ConstMatrix transposed() const { return {data, columns, rows, column_stride, row_stride}; }
  ConstMatrix row_range(std::int64_t begin, std::int64_t count) const {
    return {data + begin * row_stride, count, columns, row_stride, column_stride};
  }
  ConstMatrix column_range(std::int64_t begin, std::int64_t count) const {
    return {data + begin * column_stride, rows, count, row_stride, column_stride};
  }
};

/// Output of kernels; the elements of a row are always contiguous.
struct Matrix {
  float* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t row_stride = 0;

  Matrix() = default;
  Matrix(float* d, std::int64_t r, std::int64_t c) : data(d), rows(r), columns(c), row_stride(c) {}
  Matrix(float* d, std::int64_t r, std::int64_t c, std::int64_t rs) : data(d), rows(r), columns(c), row_stride(rs) {}
  explicit Matrix(const View& v) : Matrix(v.data, v.shape.rows(), v.shape.columns()) {}

  float& at(std::int64_t r, std::int64_t c) const { return data[r * row_stride + c]; }
  float* row(std::int64_t r) const { return data + r * row_stride; }
  Matrix row_range(std::int64_t begin, std::int64_t count) const {
    return {data + begin * row_stride, count, columns, row_stride};
  }
  Matrix column_range(std::int64_t begin, std::int64_t count) const { return {data + begin, rows, count, row_stride}; }
  operator ConstMatrix() const { return {data, rows, columns, row_stride, 1}; }
};

}  // namespace unroll
