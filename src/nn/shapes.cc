#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "nn/node.h"
#include "unroll/autograd.h"
#include "unroll/error.h"

namespace unroll {

namespace {

std::int64_t extents_product(const Shape& shape, int begin, int end) {
  std::int64_t product = 1;
  for (int i = begin; i < end; ++i) product *= shape[i];
  return product;
}

Shape joined_shape(std::span<const Var> parts, int axis) {
  const Shape& first = parts.front().shape();
  std::int64_t extent = 0;
  for (const Var& part : parts) {
    const Shape& shape = part.shape();
    if (shape.rank() != first.rank() || shape.with(axis, first[axis]) != first) {
      throw Error(fmt::format("concat of shapes {} and {} along axis {}: all other extents must be equal",
                              first.to_string(), shape.to_string(), axis));
    }
    extent += shape[axis];
  }
  return first.with(axis, extent);
}

/// x with two axes exchanged, `first` < `second`.
void copy_transposed(Node& node, const ConstView& x, int first, int second, const View& y) {
  // x is [outer, rows, middle, columns, inner], y [outer, columns, middle, rows, inner].
  const std::int64_t outer = extents_product(x.shape, 0, first), rows = x.shape[first],
                     middle = extents_product(x.shape, first + 1, second), columns = x.shape[second],
                     inner = extents_product(x.shape, second + 1, x.shape.rank());
  const auto in_x = [=](std::int64_t o, std::int64_t r, std::int64_t m) {
    return ((o * rows + r) * middle + m) * columns;
  };
  const auto in_y = [=](std::int64_t o, std::int64_t c, std::int64_t m) {
    return ((o * columns + c) * middle + m) * rows;
  };
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t m = 0; m < middle; ++m) {
      if (inner == 1) {
        const ConstMatrix source(x.data + in_x(o, 0, m), rows, columns, middle * columns);
        node.device().copy(node.context, source.transposed(),
                           Matrix(y.data + in_y(o, 0, m), columns, rows, middle * rows));
        continue;
      }
      for (std::int64_t r = 0; r < rows; ++r) {
        const ConstMatrix source(x.data + in_x(o, r, m) * inner, columns, inner);
        node.device().copy(node.context, source,
                           Matrix(y.data + (in_y(o, 0, m) + r) * inner, columns, inner, middle * rows * inner));
      }
    }
  }
}

}  // namespace

int require_axis(const char* operation, const Shape& shape, int axis) {
  const int from_first = axis < 0 ? axis + shape.rank() : axis;
  if (from_first >= 0 && from_first < shape.rank()) return from_first;
  throw Error(fmt::format("{} of shape {}: there is no axis {}", operation, shape.to_string(), axis));
}

Var concat(std::span<const Var> parts, int axis) {
  if (parts.empty()) throw Error("concat of no parts: give at least one");
  const int joined_axis = require_axis("concat", parts.front().shape(), axis);
  const Shape shape = joined_shape(parts, joined_axis);
  const auto y = make_result(parts, shape);
  // As matrices [extents before the axis, the axis and the extents after it], the parts are ranges of columns.
  const std::int64_t rows = extents_product(shape, 0, joined_axis);
  const auto columns = [rows](const Shape& part) { return rows == 0 ? 0 : part.size() / rows; };
  const Matrix joined(y->value().data, rows, columns(shape));
  std::int64_t column = 0;
  for (const Var& part : parts) {
    const ConstMatrix source(part.value().data, rows, columns(part.shape()));
    y->device().copy(y->context, source, joined.column_range(column, source.columns));
    column += source.columns;
  }
  return finish(y, [rows, columns](Node& result) {
    const ConstMatrix gradient(result.gradient().data, rows, columns(result.shape));
    std::int64_t begin = 0;
    for (const auto& part : result.parents) {
      const ConstMatrix range = gradient.column_range(begin, columns(part->shape));
      begin += range.columns;
      if (!part->requires_grad) continue;
      add_to_gradient(*part, [&](const View& added) {
        result.device().copy(result.context, range, Matrix(added.data, rows, range.columns));
      });
    }
  });
}

Var concat(std::initializer_list<Var> parts, int axis) {
  return concat(std::span<const Var>(parts.begin(), parts.size()), axis);
}

Var concat(const std::vector<Var>& parts, int axis) { return concat(std::span<const Var>(parts), axis); }

Var stack(std::span<const Var> parts, int axis) {
  if (parts.empty()) throw Error("stack of no parts: give at least one");
  const Shape& shape = parts.front().shape();
  const int new_axis = axis < 0 ? axis + shape.rank() + 1 : axis;
  if (new_axis < 0 || new_axis > shape.rank() || shape.rank() == Shape::max_rank) {
    throw Error(fmt::format("stack of shape {} along a new axis {}: the result may have {} dimensions",
                            shape.to_string(), axis, Shape::max_rank));
  }
  PooledVector<Var> joined(node_of(parts.front()).context);
  for (const Var& part : parts) {
    if (part.shape() != shape) {
      throw Error(
          fmt::format("stack of shapes {} and {}: they must be equal", shape.to_string(), part.shape().to_string()));
    }
    joined.push_back(reshape(part, shape.inserted(new_axis, 1)));
  }
  return concat(std::span<const Var>(joined), new_axis);
}

Var stack(std::initializer_list<Var> parts, int axis) {
  return stack(std::span<const Var>(parts.begin(), parts.size()), axis);
}

Var transpose(const Var& x, int a, int b) {
  const Shape& shape = x.shape();
  const auto [first, second] = std::minmax({require_axis("transpose", shape, a), require_axis("transpose", shape, b)});
  if (first == second) return x;
  const Shape others = shape.without(second).without(first);
  const auto y = make_result({x}, others.inserted(first, shape[second]).inserted(second, shape[first]));
  copy_transposed(*y, x.value(), first, second, y->value());
  return finish(y, [axes = std::array{first, second}](Node& result) {
    add_to_gradient(result.parent(0),
                    [&](const View& added) { copy_transposed(result, result.gradient(), axes[0], axes[1], added); });
  });
}

Var slice(const Var& x, std::int64_t begin, std::int64_t end, int axis) {
  const Shape& shape = x.shape();
  const int cut = require_axis("slice", shape, axis);
  const std::int64_t extent = shape[cut], outer = extents_product(shape, 0, cut),
                     inner = extents_product(shape, cut + 1, shape.rank());
  const std::int64_t first = begin < 0 ? begin + extent : begin, last = end < 0 ? end + extent : end;
  if (first < 0 || first >= last || last > extent) {
    throw Error(fmt::format("slice {} .. {} of shape {} along axis {}: begin < end, both within the extent", begin, end,
                            shape.to_string(), axis));
  }
  const Shape part = shape.with(cut, last - first);
  if (outer == 1) return make_alias(x, first * inner, part);
  const std::int64_t width = extent * inner;
  const Range columns{first * inner, (last - first) * inner};
  const auto y = make_result({x}, part);
  const ConstMatrix whole(x.value().data, outer, width);
  y->device().copy(y->context, whole.column_range(columns.first, columns.count),
                   Matrix(y->value().data, outer, columns.count));
  return finish(y, [outer, width, columns](Node& result) {
    const Matrix target =
        Matrix(result.parent(0).gradient().data, outer, width).column_range(columns.first, columns.count);
    // The device adds dense operands only.
    Tensor added(result.context, result.shape);
    const Matrix dense(added.data(), outer, columns.count);
    result.device().copy(result.context, target, dense);
    result.device().axpy(result.context, 1, result.gradient().span(), added.span());
    result.device().copy(result.context, dense, target);
  });
}

Var reshape(const Var& x, const Shape& shape) {
  if (x.shape().size() != shape.size()) {
    throw Error(fmt::format("reshape of {} to {}: {} elements to {}", x.shape().to_string(), shape.to_string(),
                            x.shape().size(), shape.size()));
  }
  return make_alias(x, 0, shape);
}

}  // namespace unroll
