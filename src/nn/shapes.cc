#include <fmt/format.h>

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
  if (parts.empty()) throw Error("concat of no parts: give at least one");
  const Shape& first = parts.front().shape();
  if (axis < 0 || axis >= first.rank()) {
    throw Error(fmt::format("concat of shape {}: there is no such axis", first.to_string()));
  }
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

}  // namespace

Var concat(std::span<const Var> parts, int axis) {
  const int rank = parts.empty() ? 0 : parts.front().shape().rank();
  const int joined_axis = axis < 0 ? axis + rank : axis;
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
      if (part->begin_gradient().kind == Accumulate::overwrite) {
        result.device().copy(result.context, range, Matrix(part->gradient().data, rows, range.columns));
      } else {
        Tensor dense(result.context, part->shape);
        result.device().copy(result.context, range, Matrix(dense.data(), rows, range.columns));
        result.device().axpy(result.context, 1, dense.span(), part->gradient().span());
      }
    }
  });
}

Var concat(std::initializer_list<Var> parts, int axis) {
  return concat(std::span<const Var>(parts.begin(), parts.size()), axis);
}

Var concat(const std::vector<Var>& parts, int axis) { return concat(std::span<const Var>(parts), axis); }

Var slice(const Var& x, std::int64_t begin, std::int64_t end) {
  const Shape& shape = x.shape();
  if (shape.rank() == 0 || begin < 0 || begin >= end || end > shape[0]) {
    throw Error(fmt::format("slice {} .. {} of shape {}: begin < end, both within the first extent", begin, end,
                            shape.to_string()));
  }
  return make_alias(x, begin * (shape.size() / shape[0]), shape.with(0, end - begin));
}

Var reshape(const Var& x, const Shape& shape) {
  if (x.shape().size() != shape.size()) {
    throw Error(fmt::format("reshape of {} to {}: {} elements to {}", x.shape().to_string(), shape.to_string(),
                            x.shape().size(), shape.size()));
  }
  return make_alias(x, 0, shape);
}

}  // namespace unroll
