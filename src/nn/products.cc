#include <fmt/format.h>

#include "nn/node.h"
#include "unroll/autograd.h"
#include "unroll/error.h"

namespace unroll {

void require_below(std::span<const std::int32_t> ids, std::int64_t count, const char* what) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || ids[i] >= count) {
      throw Error(fmt::format("{} {} is {}: it must lie in 0 .. {}", what, i, ids[i], count - 1));
    }
  }
}

OneHot one_hot(std::span<const std::int32_t> ids, int classes) {
  require_below(ids, classes, "one_hot: index");
  return {{ids.begin(), ids.end()}, classes};
}

Var affine(const Var& x, const Var& weight, const Var& bias, bool transposed) {
  const Shape &in = x.shape(), &w = weight.shape();
  const int summed = transposed ? 1 : 0;
  if (in.rank() == 0 || w.rank() != 2 || in[-1] != w[summed]) {
    throw Error(
        fmt::format("product of shapes {} and {}: the last extent of the left one must be the {} of the right one",
                    in.to_string(), w.to_string(), transposed ? "second" : "first"));
  }
  const auto y = make_result({x, weight, bias}, in.with(-1, w[1 - summed]));
  const float* row = bias.defined() ? bias.value().data : nullptr;
  const ConstMatrix stored(weight.value());
  y->device().gemm(y->context, ConstMatrix(x.value()), transposed ? stored.transposed() : stored, Matrix(y->value()),
                   Accumulate::onto_bias(row));
  return finish(y, [transposed](Node& result) {
    Node &left = result.parent(0), &right = result.parent(1);
    const ConstMatrix gradient(result.gradient());
    if (left.requires_grad) {
      const Accumulate start = left.begin_gradient();
      const ConstMatrix right_value(right.value());
      result.device().gemm(result.context, gradient, transposed ? right_value : right_value.transposed(),
                           Matrix(left.gradient()), start);
    }
    if (right.requires_grad) {
      const Accumulate start = right.begin_gradient();
      const ConstMatrix left_value(left.value());
      result.device().gemm(result.context, (transposed ? gradient : left_value).transposed(),
                           transposed ? left_value : gradient, Matrix(right.gradient()), start);
    }
    if (const auto& row_node = result.parents[2]; row_node != nullptr && row_node->requires_grad) {
      result.device().add_column_sums(result.context, gradient, row_node->gradient().data);
    }
  });
}

Var matmul(const Var& a, const Var& b) { return affine(a, b, {}); }

Var gather(std::span<const std::int32_t> ids, const Var& table, const Shape& shape) {
  const auto y = make_result({table}, shape);
  y->device().gather_rows(y->context, ConstMatrix(table.value()), ids, nullptr, Matrix(y->value()));
  return finish(y, [rows = PooledVector<std::int32_t>(ids.begin(), ids.end(), y->context)](Node& result) {
    result.device().scatter_add_rows(result.context, rows, ConstMatrix(result.gradient()),
                                     Matrix(result.parent(0).gradient()));
  });
}

Var matmul(const OneHot& a, const Var& b) {
  if (b.shape().rank() != 2 || b.shape()[0] != a.classes) {
    throw Error(
        fmt::format("product of {} one-hot rows of {} classes and shape {}: it must have as many rows as classes",
                    a.ids.size(), a.classes, b.shape().to_string()));
  }
  require_below(a.ids, a.classes, "one_hot: index");  // OneHot is an aggregate: one_hot() may not have made it
  return gather(a.ids, b, {static_cast<std::int64_t>(a.ids.size()), b.shape()[1]});
}

Var cross_entropy(const Var& logits, std::span<const std::int32_t> targets) {
  const Shape& shape = logits.shape();
  const auto rows = static_cast<std::int64_t>(targets.size());
  if (shape.rank() == 0 || shape.rows() != rows || rows == 0) {
    throw Error(fmt::format("cross_entropy of logits {} and {} targets: one target per row, and at least one row",
                            shape.to_string(), rows));
  }
  require_below(targets, shape.columns(), "cross_entropy: target");
  const auto loss = make_result({logits}, {});
  Tensor row_loss(loss->context, {rows}), d_logits(loss->context, shape);
  loss->device().cross_entropy(loss->context, ConstMatrix(logits.value()), targets, row_loss.span(),
                               Matrix(d_logits.view()));
  loss->set_number(static_cast<float>(loss->device().sum(loss->context, row_loss.span()) / static_cast<double>(rows)));
  return finish(loss, [rows, saved = std::move(d_logits)](Node& result) {
    const float factor = result.number_gradient() / static_cast<float>(rows);
    result.device().axpy(result.context, factor, saved.span(), result.parent(0).gradient().span());
  });
}

Var cross_entropy(const Var& logits, const Ids& targets) { return cross_entropy(logits, targets.flat()); }

}  // namespace unroll
