#include <fmt/format.h>

#include <algorithm>

#include "nn/node.h"
#include "unroll/autograd.h"
#include "unroll/error.h"

namespace unroll {

namespace {

/// factor times the sum of all elements.
Var scaled_sum(const Var& x, double factor) {
  const auto y = make_result({x}, {});
  y->set_number(static_cast<float>(factor * y->device().sum(y->context, node_of(x).value().span())));
  return finish(y, [factor](Node& result) {
    Node& source = result.parent(0);
    Tensor equal(result.context, source.shape);
    result.device().fill(result.context, equal.span(), static_cast<float>(factor * result.number_gradient()));
    result.device().axpy(result.context, 1, equal.span(), source.gradient().span());
  });
}

/// The shape as [outer, extent, inner], where `extent` is that of axes first .. last.
Repetition around(const Shape& shape, int first, int last) {
  Repetition extents;
  for (int i = 0; i < shape.rank(); ++i)
    (i < first ? extents.outer : i > last ? extents.inner : extents.extent) *= shape[i];
  return extents;
}

Tensor ones(Context& context, std::int64_t count) {
  Tensor filled(context, {count});
  device_of(context).fill(context, filled.span(), 1);
  return filled;
}

/// y [outer, inner] += the sums of x [outer, extent, inner]. Each sum is one chain, in the order of the axis.
void add_sums(Node& node, const Repetition& axis, const float* x, float* y) {
  const auto& [outer, extent, inner] = axis;
  if (inner == 1) {
    const Tensor column = ones(node.context, extent);
    node.device().gemm(node.context, {x, outer, extent}, {column.data(), extent, 1}, {y, outer, 1},
                       Accumulate::onto_c());
    return;
  }
  for (std::int64_t o = 0; o < outer; ++o)
    node.device().add_column_sums(node.context, {x + o * extent * inner, extent, inner}, y + o * inner);
}

/// y [outer, extent, inner] += x [outer, inner], repeated along the axis: the gradient of add_sums().
void add_repeated(Node& node, const Repetition& axis, const float* x, float* y) {
  const auto& [outer, extent, inner] = axis;
  if (inner == 1) {
    const Tensor row = ones(node.context, extent);
    node.device().gemm(node.context, {x, outer, 1}, {row.data(), 1, extent}, {y, outer, extent}, Accumulate::onto_c());
    return;
  }
  for (std::int64_t o = 0; o < outer; ++o) {
    const Matrix repeated(y + o * extent * inner, extent, inner);
    node.device().add_row(node.context, repeated, x + o * inner, repeated);
  }
}

}  // namespace

Var sum(const Var& x) { return scaled_sum(x, 1); }

Var mean(const Var& x) {
  if (x.shape().size() == 0) throw Error(fmt::format("mean of shape {}: it has no elements", x.shape().to_string()));
  return scaled_sum(x, 1.0 / static_cast<double>(x.shape().size()));
}

Var sum(const Var& x, int axis, bool keep_axis) {
  const Shape& shape = x.shape();
  const int summed = require_axis("sum", shape, axis);
  const Repetition extents = around(shape, summed, summed);
  const auto y = make_result({x}, keep_axis ? shape.with(summed, 1) : shape.without(summed));
  y->device().fill(y->context, y->value().span(), 0);
  add_sums(*y, extents, x.value().data, y->value().data);
  return finish(y, [extents](Node& result) {
    add_repeated(result, extents, result.gradient().data, result.parent(0).gradient().data);
  });
}

Var mean(const Var& x, int axis, bool keep_axis) {
  const std::int64_t count = x.shape()[require_axis("mean", x.shape(), axis)];
  if (count == 0) {
    throw Error(fmt::format("mean of shape {} over axis {}: it has no elements", x.shape().to_string(), axis));
  }
  return sum(x, axis, keep_axis) / static_cast<float>(count);
}

std::optional<Repetition> repetition_of(const Shape& small, const Shape& large) {
  const int added = large.rank() - small.rank();
  if (added < 0) return std::nullopt;
  int first = large.rank(), last = -1;
  for (int i = 0; i < large.rank(); ++i) {
    const std::int64_t extent = i < added ? 1 : small[i - added];
    if (extent == large[i]) continue;
    if (extent != 1 || (last >= 0 && around(large, last + 1, i - 1).extent != 1)) return std::nullopt;
    first = std::min(first, i);
    last = i;
  }
  return last < 0 ? Repetition{1, 1, large.size()} : around(large, first, last);
}

Var repeat(const Var& x, const Shape& shape, const Repetition& repetition) {
  const auto y = make_result({x}, shape);
  y->device().fill(y->context, y->value().span(), 0);
  add_repeated(*y, repetition, x.value().data, y->value().data);
  return finish(y, [repetition](Node& result) {
    add_sums(result, repetition, result.gradient().data, result.parent(0).gradient().data);
  });
}

}  // namespace unroll
