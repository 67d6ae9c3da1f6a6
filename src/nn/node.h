#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "base/memory_pool.h"
#include "device/device.h"
#include "unroll/autograd.h"
#include "unroll/tensor.h"

namespace unroll {

/// The memory of one or several nodes: a result and all its slices, reshapes and detached handles, or all parameters of
/// a model. Nodes refer to their elements by offset, so they stay valid when a block of parameters grows and moves.
struct Storage {
  Tensor value;
  Tensor gradient;            // of the first `size` elements; empty until first needed
  std::int64_t size = 0;      // elements in use
  std::uint64_t version = 0;  // parameters: number of updates

  bool has_gradient() const { return gradient.data() != nullptr; }
};

/// The operation that produced a node. Destroyed, with the values it saved, as soon as its backward pass has run.
struct Operation {
  virtual ~Operation() = default;
  /// Adds to the gradients of those parents of `result` that require one.
  virtual void backward(Node& result) = 0;
  /// Computes a lazy value; called on every access to the value.
  virtual void evaluate(Node&) {}
};

/// A value in a computation graph. Owns its history through `parents`. Operations must not own nodes, since only chains
/// of parents are released without recursion.
struct Node {
  enum class Stage { fresh, queued, spent };

  Node(Context& c, std::shared_ptr<Storage> s, std::int64_t first, const Shape& extents, bool wants)
      : context(c), storage(std::move(s)), offset(first), shape(extents), requires_grad(wants), parents(c) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  const Device& device() const { return device_of(context); }
  Node& parent(std::size_t i) const { return *parents[i]; }

  /// The versions of the parents' storages, added up: a change of parameters changes it.
  std::uint64_t parents_version() const;

  /// Of a single number: its gradient, and sets its value.
  float number_gradient();
  void set_number(float value);

  View value();
  /// Allocated and zeroed when first needed.
  View gradient();
  /// The initial value of a product that is written into gradient(): zero for the first consumer, which saves zeroing
  /// the memory, otherwise the gradient so far. For kernels that compute the whole contribution of one consumer. Call
  /// it before gradient().
  Accumulate begin_gradient();

  Context& context;
  std::shared_ptr<Storage> storage;
  std::int64_t offset;  // in storage
  Shape shape;
  bool requires_grad;
  Stage stage = Stage::fresh;
  std::uint64_t version = 0;                    // parents_version() when the operation was recorded
  PooledVector<std::shared_ptr<Node>> parents;  // null if an optional operand is absent; empty for leaves
  std::shared_ptr<Operation> operation;         // not shared with other nodes; null for leaves and aliases
};

/// The node of a Var; throws Error if the Var is default-constructed.
Node& node_of(const Var& x);

std::shared_ptr<Node> make_node(Context& context, std::shared_ptr<Storage> storage, std::int64_t offset,
                                const Shape& shape, bool requires_grad);
/// A leaf that owns its value.
Var make_leaf(Context& context, Tensor value, bool requires_grad);

/// The result of an operation on `operands` (undefined ones are absent); the caller writes its value. Throws Error if
/// operands belong to different contexts.
std::shared_ptr<Node> make_result(std::span<const Var> operands, const Shape& shape);
std::shared_ptr<Node> make_result(std::initializer_list<Var> operands, const Shape& shape);
/// A view of x's storage, from x's element `first` on. Shares value and gradient.
Var make_alias(const Var& x, std::int64_t first, const Shape& shape);

/// An operation whose backward pass is a function of the result node.
template <class Backward>
struct FunctionOperation final : Operation {
  explicit FunctionOperation(Backward f) : function(std::move(f)) {}
  void backward(Node& result) override { function(result); }
  Backward function;
};

/// Completes a result. If no operand requires a gradient, the operands and `backward` are released.
template <class Backward>
Var finish(std::shared_ptr<Node> result, Backward backward) {
  if (result->requires_grad) {
    result->operation = make_pooled<FunctionOperation<Backward>>(result->context, std::move(backward));
  } else {
    result->parents.clear();
  }
  return Var(std::move(result));
}

/// Adds to x's gradient what `write(View)` writes: directly, if it is the first contribution.
template <class Write>
void add_to_gradient(Node& x, const Write& write) {
  if (x.begin_gradient().kind == Accumulate::overwrite) return write(x.gradient());
  Tensor added(x.context, x.shape);
  write(added.view());
  x.device().axpy(x.context, 1, added.span(), x.gradient().span());
}

/// The axis from 0 on; a negative one counts from the end. Throws Error if the shape has no such axis.
int require_axis(const char* operation, const Shape& shape, int axis);

/// How a smaller tensor fills a larger one: seen as [outer, inner], it is repeated `extent` times between the two.
struct Repetition {
  std::int64_t outer = 1, extent = 1, inner = 1;
};
/// How `small` is repeated to `large`: along one or several adjacent axes, where it has extent 1 or, at the beginning,
/// no axis. Empty if that is not possible.
std::optional<Repetition> repetition_of(const Shape& small, const Shape& large);
/// x in the larger shape.
Var repeat(const Var& x, const Shape& shape, const Repetition& repetition);

/// x W + b, with b optional: the operation of matmul and Linear. `transposed`: weight is the transpose of W.
Var affine(const Var& x, const Var& weight, const Var& bias, bool transposed = false);
/// Rows of `table` as a tensor of `shape`. The indices must be in range: see require_below().
Var gather(std::span<const std::int32_t> ids, const Var& table, const Shape& shape);
/// Throws Error if an index lies outside [0, count); `what` names the indices in the message.
void require_below(std::span<const std::int32_t> ids, std::int64_t count, const char* what);
/// LayerNorm with the given gain and bias.
Var layer_norm(const Var& x, const Var& gain, const Var& bias);
/// Indices of the random numbers of a tensor's elements: each run of `run` elements has consecutive indices; the first
/// run starts at `first`, each further one `stride` later.
struct MaskNumbers {
  std::int64_t first, run, stride;
};
/// dropout() with given indices of random numbers; `numbers.run` must divide the number of elements of x.
Var dropout_from(const Var& x, float p, const Random& random, const MaskNumbers& numbers);

}  // namespace unroll
