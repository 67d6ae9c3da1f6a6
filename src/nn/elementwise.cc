#include <fmt/format.h>

#include "nn/node.h"
#include "unroll/autograd.h"
#include "unroll/error.h"

namespace unroll {

Var constant(Context& context, Tensor value) { return make_leaf(context, std::move(value), false); }
Var variable(Context& context, Tensor value) { return make_leaf(context, std::move(value), true); }
Var zeros(Context& context, const Shape& shape) { return constant(context, Tensor::zeros(context, shape)); }

namespace {

struct Operands {
  Var a, b;
};

/// a and b, the smaller of them repeated to the shape of the other.
Operands broadcast(const char* operation, const Var& a, const Var& b) {
  if (a.shape() == b.shape()) return {a, b};
  if (const auto repetition = repetition_of(b.shape(), a.shape())) return {a, repeat(b, a.shape(), *repetition)};
  if (const auto repetition = repetition_of(a.shape(), b.shape())) return {repeat(a, b.shape(), *repetition), b};
  throw Error(fmt::format("{} of shapes {} and {}: they must be equal, or one must be a row or a column of the other",
                          operation, a.shape().to_string(), b.shape().to_string()));
}

Var apply(Unary operation, const Var& x) {
  const auto y = make_result({x}, x.shape());
  y->device().unary(y->context, operation, node_of(x).value().span(), y->value().span());
  return finish(y, [operation](Node& result) {
    Node& source = result.parent(0);
    result.device().unary_backward(result.context, operation, source.value().span(), result.value().span(),
                                   result.gradient().span(), source.gradient().span());
  });
}

/// x.gradient += factor * (gradient of the result).
void pass_gradient(Node& result, Node& x, float factor) {
  if (x.requires_grad) result.device().axpy(result.context, factor, result.gradient().span(), x.gradient().span());
}

/// a + row, where a consists of `rows` rows.
Var add_row(const Var& a, const Var& row, std::int64_t rows) {
  const auto y = make_result({a, row}, a.shape());
  const std::int64_t columns = row.shape().size();
  y->device().add_row(y->context, {a.value().data, rows, columns}, row.value().data, {y->value().data, rows, columns});
  return finish(y, [rows, columns](Node& result) {
    pass_gradient(result, result.parent(0), 1);
    if (Node& bias = result.parent(1); bias.requires_grad) {
      result.device().add_column_sums(result.context, {result.gradient().data, rows, columns}, bias.gradient().data);
    }
  });
}

/// a + factor * b of equal shapes; `operation` is the device's operation that computes it.
Var add_scaled(Binary operation, float factor, const Var& a, const Var& b) {
  const auto y = make_result({a, b}, a.shape());
  y->device().binary(y->context, operation, node_of(a).value().span(), node_of(b).value().span(), y->value().span());
  return finish(y, [factor](Node& result) {
    pass_gradient(result, result.parent(0), 1);
    pass_gradient(result, result.parent(1), factor);
  });
}

Var multiplied(const Var& a, const Var& b) {
  const auto y = make_result({a, b}, a.shape());
  y->device().binary(y->context, Binary::multiply, node_of(a).value().span(), node_of(b).value().span(),
                     y->value().span());
  return finish(y, [](Node& result) {
    Node &left = result.parent(0), &right = result.parent(1);
    const std::span<const float> gradient = result.gradient().span();
    const auto pass = [&](Node& x, Node& other) {
      if (!x.requires_grad) return;
      result.device().multiply_add(result.context, gradient, other.value().span(), x.gradient().span());
    };
    pass(left, right);
    pass(right, left);
  });
}

Var divided(const Var& a, const Var& b) {
  const auto y = make_result({a, b}, a.shape());
  y->device().binary(y->context, Binary::divide, node_of(a).value().span(), node_of(b).value().span(),
                     y->value().span());
  return finish(y, [](Node& result) {
    Node &dividend = result.parent(0), &divisor = result.parent(1);
    Tensor quotient(result.context, result.shape);  // of the gradient and the divisor
    result.device().binary(result.context, Binary::divide, result.gradient().span(), divisor.value().span(),
                           quotient.span());
    if (dividend.requires_grad) result.device().axpy(result.context, 1, quotient.span(), dividend.gradient().span());
    if (!divisor.requires_grad) return;
    Tensor product(result.context, result.shape);
    result.device().binary(result.context, Binary::multiply, quotient.span(), result.value().span(), product.span());
    result.device().axpy(result.context, -1, product.span(), divisor.gradient().span());
  });
}

/// factor * x + term, rounded once if the factor is 1 or -1.
Var scaled_plus(float factor, const Var& x, float term) {
  const auto y = make_result({x}, x.shape());
  y->device().fill(y->context, y->value().span(), term);
  y->device().axpy(y->context, factor, node_of(x).value().span(), y->value().span());
  return finish(y, [factor](Node& result) { pass_gradient(result, result.parent(0), factor); });
}

Var filled_like(const Var& x, float value) {
  Context& context = node_of(x).context;
  Tensor filled(context, x.shape());
  device_of(context).fill(context, filled.span(), value);
  return constant(context, std::move(filled));
}

}  // namespace

Var operator+(const Var& a, const Var& b) {
  if (a.shape() != b.shape()) {
    // The usual addition of a bias makes no copy.
    const auto repetition = repetition_of(b.shape(), a.shape());
    if (repetition && repetition->outer == 1) return add_row(a, b, repetition->extent);
  }
  const auto [left, right] = broadcast("a + b", a, b);
  return add_scaled(Binary::add, 1, left, right);
}

Var operator-(const Var& a, const Var& b) {
  const auto [left, right] = broadcast("a - b", a, b);
  return add_scaled(Binary::subtract, -1, left, right);
}

Var operator*(const Var& a, const Var& b) {
  const auto [left, right] = broadcast("a * b", a, b);
  return multiplied(left, right);
}

Var operator/(const Var& a, const Var& b) {
  const auto [left, right] = broadcast("a / b", a, b);
  return divided(left, right);
}

Var operator+(const Var& a, float b) { return scaled_plus(1, a, b); }
Var operator+(float a, const Var& b) { return b + a; }
Var operator-(const Var& a, float b) { return scaled_plus(1, a, -b); }
Var operator-(float a, const Var& b) { return scaled_plus(-1, b, a); }
Var operator*(const Var& a, float b) { return b * a; }
Var operator/(const Var& a, float b) { return a / filled_like(a, b); }
Var operator/(float a, const Var& b) { return filled_like(b, a) / b; }

Var operator*(float a, const Var& b) {
  const auto y = make_result({b}, b.shape());
  y->device().copy(y->context, ConstMatrix(b.value()), Matrix(y->value()));
  y->device().scale(y->context, a, y->value().span());
  return finish(y, [a](Node& result) { pass_gradient(result, result.parent(0), a); });
}

Var operator-(const Var& a) { return apply(Unary::negate, a); }
Var tanh(const Var& x) { return apply(Unary::tanh, x); }
Var sigmoid(const Var& x) { return apply(Unary::sigmoid, x); }
Var relu(const Var& x) { return apply(Unary::relu, x); }
Var exp(const Var& x) { return apply(Unary::exp, x); }
Var log(const Var& x) { return apply(Unary::log, x); }

}  // namespace unroll
