#include <fmt/format.h>

#include "nn/node.h"
#include "unroll/autograd.h"
#include "unroll/error.h"

namespace unroll {

namespace {

/// factor times the sum of all elements.
Var scaled_sum(const Var& x, double factor) {
  const auto y = make_result({x}, {});
  y->value()[0] = static_cast<float>(factor * y->device().sum(y->context, node_of(x).value().span()));
  return finish(y, [factor](Node& result) {
    Node& source = result.parent(0);
    Tensor equal(result.context, source.shape);
    result.device().fill(result.context, equal.span(), static_cast<float>(factor * result.gradient()[0]));
    result.device().axpy(result.context, 1, equal.span(), source.gradient().span());
  });
}

/// A tensor as [outer, extent, inner]; sums are over the middle.
struct SummedAxis {
  std::int64_t outer, extent, inner;

  SummedAxis(const Shape& shape, int axis) : outer(1), extent(shape[axis]), inner(1) {
    for (int i = 0; i < axis; ++i) outer *= shape[i];
    for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
  }
};

Tensor ones(Context& context, std::int64_t count) {
  Tensor filled(context, {count});
  device_of(context).fill(context, filled.span(), 1);
  return filled;
}

/// y [outer, inner] += the sums of x [outer, extent, inner]. Each sum is one chain, in the order of the axis.
void add_sums(Node& node, const SummedAxis& axis, const float* x, float* y) {
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
void add_repeated(Node& node, const SummedAxis& axis, const float* x, float* y) {
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
  const SummedAxis extents(shape, summed);
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

}  // namespace unroll
