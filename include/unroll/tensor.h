#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "unroll/context.h"

namespace unroll {

/// `count` consecutive indices from `first` on: rows, shards, batches, elements.
struct Range {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t end() const { return first + count; }
  bool operator==(const Range&) const = default;
};

/// Part `index` of `parts` nearly equal parts of [0, count): their sizes differ by at most one.
inline Range part_of(std::int64_t count, std::int64_t index, std::int64_t parts) {
  const std::int64_t first = count * index / parts;
  return {first, count * (index + 1) / parts - first};
}

/// The extents of a tensor, rank 0 to 4, row-major: the last dimension is contiguous.
class Shape {
 public:
  static constexpr int max_rank = 4;

  Shape() = default;  ///< rank 0: one number
  /// Throws Error for rank > 4, a negative extent and more than 2^60 elements.
  Shape(std::initializer_list<std::int64_t> extents);

  int rank() const { return rank_; }
  /// Negative counts from the end, as in shape[-1]. Throws Error for a dimension that the shape does not have.
  std::int64_t operator[](int dimension) const;
  std::int64_t size() const;                             ///< number of elements
  std::int64_t columns() const;                          ///< the last extent; 1 for rank 0
  std::int64_t rows() const;                             ///< all extents but the last, multiplied
  Shape with(int dimension, std::int64_t extent) const;  ///< a copy with one extent replaced
  Shape without(int dimension) const;                    ///< a copy without one dimension
  /// A copy with one more dimension, before `dimension`, which is 0 .. rank(). Throws Error for rank 4.
  Shape inserted(int dimension, std::int64_t extent) const;

  bool operator==(const Shape&) const = default;
  std::string to_string() const;  ///< "[35, 32, 256]"

 private:
  void check_extents() const;
  std::size_t index_of(int dimension) const;

  std::array<std::int64_t, max_rank> extents_{};
  int rank_ = 0;
};

/// A non-owning, trivially copyable view of a dense tensor, read-only. Its elements are in the memory of the device.
struct ConstView {
  const float* data = nullptr;
  Shape shape;

  std::span<const float> span() const { return {data, static_cast<std::size_t>(shape.size())}; }
  float operator[](std::int64_t i) const { return data[i]; }
};

struct View {
  float* data = nullptr;
  Shape shape;

  std::span<float> span() const { return {data, static_cast<std::size_t>(shape.size())}; }
  float& operator[](std::int64_t i) const { return data[i]; }
  operator ConstView() const { return {data, shape}; }
};

/// A copy in memory of the host.
std::vector<float> to_host(const Context& context, const ConstView& view);

/// Owns float32 elements; move-only, clone() is the only deep copy.
class Tensor {
 public:
  Tensor() = default;
  Tensor(Context& context, const Shape& shape);  ///< contents undefined
  static Tensor zeros(Context& context, const Shape& shape);
  /// Throws Error if the number of values is not shape.size().
  static Tensor of(Context& context, const Shape& shape, std::span<const float> values);

  const Shape& shape() const { return shape_; }
  float* data() { return buffer_.data(); }
  const float* data() const { return buffer_.data(); }
  View view() { return {buffer_.data(), shape_}; }
  ConstView view() const { return {buffer_.data(), shape_}; }
  std::span<float> span() { return view().span(); }
  std::span<const float> span() const { return view().span(); }
  Tensor clone(Context& context) const;

 private:
  Buffer buffer_;
  Shape shape_;
};

/// Symbol indices [T, B], time-major.
class Ids {
 public:
  Ids() = default;
  Ids(int steps, int batch)
      : values_(static_cast<std::size_t>(steps) * static_cast<std::size_t>(batch)), batch_(batch) {}

  int steps() const { return batch_ == 0 ? 0 : static_cast<int>(values_.size()) / batch_; }
  int batch() const { return batch_; }
  std::int64_t size() const { return static_cast<std::int64_t>(values_.size()); }

  /// The B indices of time step t.
  std::span<std::int32_t> operator[](int t) { return flat().subspan(offset(t), static_cast<std::size_t>(batch_)); }
  std::span<const std::int32_t> operator[](int t) const {
    return flat().subspan(offset(t), static_cast<std::size_t>(batch_));
  }
  std::span<std::int32_t> flat() { return values_; }
  std::span<const std::int32_t> flat() const { return values_; }
  bool operator==(const Ids&) const = default;

 private:
  std::size_t offset(int t) const { return static_cast<std::size_t>(t) * static_cast<std::size_t>(batch_); }
  std::vector<std::int32_t> values_;
  int batch_ = 0;
};

}  // namespace unroll
