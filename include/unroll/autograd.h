#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "unroll/tensor.h"

namespace unroll {

struct Node;

/// A tensor in a computation graph. It records the operation that produced it, so that backward() can compute the
/// gradients of everything it depends on (reverse-mode automatic differentiation). Copies are handles to the same node.
/// Operations throw Error, with both shapes, if the shapes do not match. A graph belongs to one thread at a time.
class Var {
 public:
  Var() = default;
  explicit Var(std::shared_ptr<Node> node) : node_(std::move(node)) {}

  bool defined() const { return node_ != nullptr; }
  const Shape& shape() const;
  ConstView value() const;
  /// The gradient accumulated by backward(); throws Error if there is none.
  ConstView gradient() const;
  /// The value of a single-element tensor; throws Error for any other size.
  float item() const;

  /// The same value without its history, for truncated back-propagation through time.
  Var detach() const;
  /// For every variable x of the graph of this single number, adds `gradient` times the derivative with respect to x to
  /// x's gradient. Can be called once per graph, since operations release the values they saved. Throws Error on a
  /// second call, if parameters of the graph have changed since, and if it has no variable.
  void backward(float gradient = 1) const;

  const std::shared_ptr<Node>& node() const { return node_; }

 private:
  std::shared_ptr<Node> node_;
};

Var constant(Context& context, Tensor value);     ///< requires no gradient
Var variable(Context& context, Tensor value);     ///< requires a gradient
Var zeros(Context& context, const Shape& shape);  ///< requires no gradient

/// While one exists, the results of this thread's operations keep no history and require no gradient.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
};

/// One-hot matrix [ids.size(), classes], one row per index. The matrix is never stored: its product with a matrix is a
/// row look-up.
struct OneHot {
  std::vector<std::int32_t> ids;
  int classes = 0;
};
/// Throws Error for an index outside [0, classes).
OneHot one_hot(std::span<const std::int32_t> ids, int classes);

/// [.., K] x [K, N] -> [.., N]
Var matmul(const Var& a, const Var& b);
/// ids [N], b [classes, M] -> [N, M]
Var matmul(const OneHot& a, const Var& b);

// Element by element. If the shapes differ, the smaller operand is repeated along one or several adjacent axes, where
// it has extent 1 or, at the beginning, no axis: a row [N] for each row of [.., N], a column [.., 1] for each column of
// [.., N], one number [] for all elements.
Var operator+(const Var& a, const Var& b);
Var operator-(const Var& a, const Var& b);
Var operator*(const Var& a, const Var& b);
Var operator/(const Var& a, const Var& b);
Var operator-(const Var& a);

// A number stands for a tensor of that number in the shape of the other operand.
Var operator+(const Var& a, float b);
Var operator+(float a, const Var& b);
Var operator-(const Var& a, float b);
Var operator-(float a, const Var& b);
Var operator*(const Var& a, float b);
Var operator*(float a, const Var& b);
Var operator/(const Var& a, float b);
Var operator/(float a, const Var& b);

Var tanh(const Var& x);
Var sigmoid(const Var& x);
Var relu(const Var& x);  ///< gradient 0 at 0
Var exp(const Var& x);
Var log(const Var& x);
/// Over the last dimension: e^x / sum(e^x), and its logarithm x - log(sum(e^x)). The largest element of each row is
/// subtracted first, so that nothing overflows. Throws Error for shape [].
Var softmax(const Var& x);
Var log_softmax(const Var& x);
Var sum(const Var& x);   ///< of all elements, shape []
Var mean(const Var& x);  ///< of all elements, shape []
/// Over one axis (negative counts from the end), which the result does not have, or has with extent 1 if `keep_axis`.
/// Adds floats in order: over a million elements the relative error reaches 1 %, as does that of the gradient of a
/// repeated operand. mean() throws Error for an axis without elements.
Var sum(const Var& x, int axis, bool keep_axis = false);
Var mean(const Var& x, int axis, bool keep_axis = false);

/// Joins along `axis` (negative counts from the end); all other extents must be equal.
Var concat(std::span<const Var> parts, int axis = 0);
Var concat(std::initializer_list<Var> parts, int axis = 0);
Var concat(const std::vector<Var>& parts, int axis = 0);
/// Joins equal shapes along a new dimension, before `axis` of the parts; -1 is the last one of the result. Throws Error
/// for parts of rank 4.
Var stack(std::span<const Var> parts, int axis = 0);
Var stack(std::initializer_list<Var> parts, int axis = 0);
/// Exchanges two axes (negative ones count from the end): [.., M, N] -> [.., N, M] by default.
Var transpose(const Var& x, int a = -2, int b = -1);
/// Elements begin .. end-1 along `axis`. Negative numbers count from the end: slice(x, 0, -1) is x without its last
/// element. Shares memory with x if all axes before `axis` have extent 1. Throws Error for an empty slice.
Var slice(const Var& x, std::int64_t begin, std::int64_t end, int axis = 0);
/// The same elements under another shape of the same size; shares memory with x.
Var reshape(const Var& x, const Shape& shape);

/// Mean over rows of -log softmax(logits [.., V])[target], in nats; shape []. One target per row, in row order.
Var cross_entropy(const Var& logits, std::span<const std::int32_t> targets);
Var cross_entropy(const Var& logits, const Ids& targets);

/// Weighted mean of values that are added one at a time, such as the losses of an epoch; exp() of it is the perplexity.
class Mean {
 public:
  void add(double value, double weight = 1) {
    sum_ += weight * value;
    weight_ += weight;
  }
  double value() const { return sum_ / weight_; }

 private:
  double sum_ = 0, weight_ = 0;
};

}  // namespace unroll
