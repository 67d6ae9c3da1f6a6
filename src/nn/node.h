#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/memory_pool.h"
#include "tensor/device.h"
#include "unroll/autograd.h"
#include "unroll/tensor.h"

namespace unroll {

/// The memory behind one or several nodes: a result and all slices, reshapes and detached handles of it, or all
/// parameters of a model. Nodes find their elements by offset, so they follow when a block of parameters moves because
/// it grows.
struct Storage {
  Tensor value;
  Tensor gradient;            // of the first `size` elements; empty until first needed
  std::int64_t size = 0;      // elements in use
  std::uint64_t version = 0;  // of parameters: counts updates

  bool has_gradient() const { return gradient.data() != nullptr; }
};

/// How a node came about. Destroyed, with all that it saved, as soon as its backward pass has run.
struct Operation {
  virtual ~Operation() = default;
  /// Adds to the gradients of those parents of `result` that want one.
  virtual void backward(Node& result) = 0;
  /// Computes the value where that was put off; called whenever the value is asked for.
  virtual void evaluate(Node&) {}
};

/// A value in a graph of computations. Owns its history through `parents`; operations must not hold nodes themselves,
/// since only chains of parents are released without recursion.
struct Node {
  enum class Stage { fresh, queued, spent };

  Node(Context& c, std::shared_ptr<Storage> s, std::int64_t first, const Shape& extents, bool wants)
      : context(c), storage(std::move(s)), offset(first), shape(extents), wants_gradient(wants), parents(c) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  const Device& device() const { return device_of(context); }
  Node& parent(std::size_t i) const { return *parents[i]; }

  View value();
  /// Allocated and zeroed when first needed.
  View gradient();
  /// For kernels whose result is all that one consumer adds to gradient(), to be called before gradient(): where a
  /// product into it begins. At zero for the first consumer, which saves zeroing.
  Start begin_gradient();

  Context& context;
  std::shared_ptr<Storage> storage;
  std::int64_t offset;  // in storage
  Shape shape;
  bool wants_gradient;
  Stage stage = Stage::fresh;
  PooledVector<std::shared_ptr<Node>> parents;  // null where an optional operand is absent; none for leaves
  std::shared_ptr<Operation> operation;         // this node's alone; null for leaves and aliases
};

/// The node of a Var that a user handed in; throws Error where it is a default-constructed one.
Node& node_of(const Var& x);

std::shared_ptr<Node> make_node(Context& context, std::shared_ptr<Storage> storage, std::int64_t offset,
                                const Shape& shape, bool wants_gradient);
/// A leaf that owns its value.
Var make_leaf(Context& context, Tensor value, bool wants_gradient);

/// The result of an operation on `operands` (undefined ones are absent), its value yet to be written. Throws Error
/// where operands belong to different contexts.
std::shared_ptr<Node> make_result(std::span<const Var> operands, const Shape& shape);
std::shared_ptr<Node> make_result(std::initializer_list<Var> operands, const Shape& shape);
/// Another look at x's storage, from x's element `first` on. Shares value and gradient.
Var make_alias(const Var& x, std::int64_t first, const Shape& shape);

/// An operation made of a function of the result node.
template <class Backward>
struct FunctionOperation final : Operation {
  explicit FunctionOperation(Backward f) : function(std::move(f)) {}
  void backward(Node& result) override { function(result); }
  Backward function;
};

/// Completes a result. Where no operand wants a gradient it forgets them, and the function with what it has saved.
template <class Backward>
Var finish(std::shared_ptr<Node> result, Backward backward) {
  if (result->wants_gradient) {
    result->operation = make_pooled<FunctionOperation<Backward>>(result->context, std::move(backward));
  } else {
    result->parents.clear();
  }
  return Var(std::move(result));
}

/// x W + b, with b optional: the one operation behind matmul and Linear. `transposed`: weight is the transpose of W.
Var affine(const Var& x, const Var& weight, const Var& bias, bool transposed = false);
/// Rows of `table` as a tensor of `shape`; throws Error for an index without a row.
Var gather(std::span<const std::int32_t> ids, const Var& table, const Shape& shape);
/// Throws Error where an index lies outside [0, count); `what` names the indices.
void require_below(std::span<const std::int32_t> ids, std::int64_t count, const char* what);
/// LayerNorm with a gain and a bias of any origin.
Var layer_norm(const Var& x, const Var& gain, const Var& bias);
/// Which random numbers the elements of a tensor take: `run` elements take those from `first` on, the next `run` begin
/// `stride` numbers later.
struct MaskNumbers {
  std::int64_t first, run, stride;
};
/// dropout() with numbers of choice; `run` divides the elements of x.
Var dropout_from(const Var& x, float p, const Random& random, const MaskNumbers& numbers);

}  // namespace unroll
