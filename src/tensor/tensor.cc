#include "unroll/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/device_memory.h"
#include "unroll/error.h"

namespace unroll {

Shape::Shape(std::initializer_list<std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  if (extents.size() > max_rank) throw Error(fmt::format("a shape of rank {}: at most {}", extents.size(), max_rank));
  std::copy(extents.begin(), extents.end(), extents_.begin());
  check_extents();
}

/// Also bounds the products of extents, of which some may be 0, so that no size overflows.
void Shape::check_extents() const {
  constexpr std::int64_t max_size = std::int64_t{1} << 60;
  std::int64_t product = 1;
  for (int i = 0; i < rank_; ++i) {
    const std::int64_t extent = extents_[static_cast<std::size_t>(i)];
    if (extent < 0) throw Error(fmt::format("shape {}: extents are at least 0", to_string()));
    if (extent > max_size / product) throw Error(fmt::format("shape {}: more than 2^60 elements", to_string()));
    product *= std::max<std::int64_t>(extent, 1);
  }
}

std::size_t Shape::index_of(int dimension) const {
  const int index = dimension < 0 ? dimension + rank_ : dimension;
  if (index < 0 || index >= rank_) {
    throw Error(fmt::format("shape {}: there is no dimension {}", to_string(), dimension));
  }
  return static_cast<std::size_t>(index);
}

std::int64_t Shape::operator[](int dimension) const { return extents_[index_of(dimension)]; }

std::int64_t Shape::size() const { return rows() * columns(); }

std::int64_t Shape::columns() const { return rank_ == 0 ? 1 : (*this)[-1]; }

std::int64_t Shape::rows() const {
  std::int64_t product = 1;
  for (int i = 0; i + 1 < rank_; ++i) product *= (*this)[i];
  return product;
}

Shape Shape::with(int dimension, std::int64_t extent) const {
  Shape changed = *this;
  changed.extents_[index_of(dimension)] = extent;
  changed.check_extents();
  return changed;
}

Shape Shape::without(int dimension) const {
  Shape changed = *this;
  const auto at = changed.extents_.begin() + static_cast<std::ptrdiff_t>(index_of(dimension));
  std::copy(at + 1, changed.extents_.end(), at);
  changed.extents_.back() = 0;
  --changed.rank_;
  return changed;
}

Shape Shape::inserted(int dimension, std::int64_t extent) const {
  if (rank_ == max_rank || dimension < 0 || dimension > rank_) {
    throw Error(fmt::format("shape {}: no dimension {} can be inserted; a shape has at most {}", to_string(), dimension,
                            max_rank));
  }
  Shape changed = *this;
  const auto at = changed.extents_.begin() + dimension;
  std::copy_backward(at, changed.extents_.end() - 1, changed.extents_.end());
  *at = extent;
  ++changed.rank_;
  changed.check_extents();
  return changed;
}

std::string Shape::to_string() const {
  return fmt::format("[{}]", fmt::join(extents_.begin(), extents_.begin() + rank_, ", "));
}

Tensor::Tensor(Context& context, const Shape& shape)
    : buffer_(context.allocate(static_cast<std::size_t>(shape.size()))), shape_(shape) {}

Tensor Tensor::zeros(Context& context, const Shape& shape) {
  Tensor tensor(context, shape);
  MutableHostView values(context, tensor.span(), HostAccess::write);
  std::ranges::fill(values.span(), 0.0f);
  values.store();
  return tensor;
}

Tensor Tensor::of(Context& context, const Shape& shape, std::span<const float> values) {
  if (static_cast<std::int64_t>(values.size()) != shape.size()) {
    throw Error(fmt::format("{} values for a tensor of shape {}, which holds {}", values.size(), shape.to_string(),
                            shape.size()));
  }
  Tensor tensor(context, shape);
  memory_of(context.device()).upload(values, tensor.data());
  return tensor;
}

Tensor Tensor::clone(Context& context) const { return of(context, shape_, HostView(context, span()).span()); }

std::vector<float> to_host(const Context& context, const ConstView& view) {
  std::vector<float> values(view.span().size());
  memory_of(context.device()).download(view.data, values);
  return values;
}

}  // namespace unroll
