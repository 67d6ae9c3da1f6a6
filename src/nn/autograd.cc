#include "unroll/autograd.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/device_memory.h"
#include "nn/node.h"
#include "unroll/error.h"

namespace unroll {

Node::~Node() {
  // A chain of a million nodes would overflow the stack if each destroyed the next.
  PooledVector<std::shared_ptr<Node>> pending = std::move(parents);
  while (!pending.empty()) {
    const std::shared_ptr<Node> node = std::move(pending.back());
    pending.pop_back();
    if (node != nullptr && node.use_count() == 1) {
      std::move(node->parents.begin(), node->parents.end(), std::back_inserter(pending));
      node->parents.clear();
    }
  }
}

std::uint64_t Node::parents_version() const {
  std::uint64_t version = 0;
  for (const std::shared_ptr<Node>& parent : parents) version += parent == nullptr ? 0 : parent->storage->version;
  return version;
}

float Node::number_gradient() { return HostView(context, gradient().span())[0]; }

void Node::set_number(float value) { device().fill(context, storage->value.span(), value); }

View Node::value() {
  if (operation != nullptr) operation->evaluate(*this);
  return {storage->value.data() + offset, shape};
}

View Node::gradient() {
  if (!storage->has_gradient()) {
    storage->gradient = Tensor(context, {storage->size});
    device().fill(context, storage->gradient.span(), 0.0f);
  }
  return {storage->gradient.data() + offset, shape};
}

Accumulate Node::begin_gradient() {
  if (storage->has_gradient()) return Accumulate::onto_c();
  storage->gradient = Tensor(context, {storage->size});
  const std::span<float> all = storage->gradient.span();
  const auto begin = static_cast<std::size_t>(offset), end = begin + static_cast<std::size_t>(shape.size());
  device().fill(context, all.first(begin), 0.0f);
  device().fill(context, all.subspan(end), 0.0f);
  return Accumulate::onto_zero();
}

Node& node_of(const Var& x) {
  if (!x.defined())
    throw Error("a Var without a value is used: make it with constant(), variable(), zeros() or an operation");
  return *x.node();
}

std::shared_ptr<Node> make_node(Context& context, std::shared_ptr<Storage> storage, std::int64_t offset,
                                const Shape& shape, bool requires_grad) {
  return make_pooled<Node>(context, context, std::move(storage), offset, shape, requires_grad);
}

Var make_leaf(Context& context, Tensor value, bool requires_grad) {
  auto storage = make_pooled<Storage>(context);
  const Shape shape = value.shape();
  storage->size = shape.size();
  storage->value = std::move(value);
  return Var(make_node(context, std::move(storage), 0, shape, requires_grad));
}

namespace {
thread_local int no_grad_scopes = 0;
}  // namespace

NoGrad::NoGrad() { ++no_grad_scopes; }
NoGrad::~NoGrad() { --no_grad_scopes; }

std::shared_ptr<Node> make_result(std::span<const Var> operands, const Shape& shape) {
  Context* context = nullptr;
  bool requires_grad = false;
  for (const Var& operand : operands) {
    if (!operand.defined()) continue;
    const Node& node = *operand.node();
    if (context != nullptr && context != &node.context) {
      throw Error("the operands of one operation belong to two contexts: make them with the same one");
    }
    context = &node.context;
    requires_grad |= node.requires_grad;
  }
  UNROLL_CHECK(context != nullptr);
  const Var result = make_leaf(*context, Tensor(*context, shape), requires_grad && no_grad_scopes == 0);
  result.node()->parents.reserve(operands.size());
  for (const Var& operand : operands) result.node()->parents.push_back(operand.node());
  result.node()->version = result.node()->parents_version();
  return result.node();
}

std::shared_ptr<Node> make_result(std::initializer_list<Var> operands, const Shape& shape) {
  return make_result(std::span<const Var>(operands.begin(), operands.size()), shape);
}

Var make_alias(const Var& x, std::int64_t first, const Shape& shape) {
  Node& node = node_of(x);
  node.value();  // a lazy value is not computed through an alias
  const bool requires_grad = node.requires_grad && no_grad_scopes == 0;
  auto alias = make_node(node.context, node.storage, node.offset + first, shape, requires_grad);
  if (requires_grad) alias->parents.push_back(x.node());
  return Var(std::move(alias));
}

const Shape& Var::shape() const { return node_of(*this).shape; }

ConstView Var::value() const { return node_of(*this).value(); }

ConstView Var::gradient() const {
  Node& node = node_of(*this);
  if (!node.requires_grad) throw Error("the gradient of a constant is asked for: make it with variable()");
  if (!node.storage->has_gradient()) throw Error("a gradient is asked for before backward() has left one");
  return node.gradient();
}

float Var::item() const {
  if (shape().size() != 1) {
    throw Error(fmt::format("item() of shape {}: only of a single number, use value()", shape().to_string()));
  }
  return HostView(node_of(*this).context, value().span())[0];
}

Var Var::detach() const {
  Node& node = node_of(*this);
  node.value();  // computes a lazy value now, while its history is available
  return Var(make_node(node.context, node.storage, node.offset, node.shape, false));
}

namespace {

using NodePointer = std::shared_ptr<Node>;

/// The nodes that `root` depends on and that require gradients, each after all of its parents, without leaves. Marks
/// them queued.
PooledVector<NodePointer> parents_first(const NodePointer& root) {
  struct Visit {
    NodePointer node;
    std::size_t next_parent = 0;
  };
  PooledVector<NodePointer> order(root->context);
  PooledVector<Visit> path(root->context);
  const auto enter = [&](const NodePointer& node) {
    if (node == nullptr || !node->requires_grad || node->stage == Node::Stage::queued) return;
    if (node->stage == Node::Stage::spent) {
      for (const NodePointer& queued : order) queued->stage = Node::Stage::fresh;
      for (const Visit& queued : path) queued.node->stage = Node::Stage::fresh;
      throw Error(
          "backward() goes twice through the same computation: detach() what is carried over from before, or add up "
          "the losses");
    }
    if (node->parents.empty()) return;
    node->stage = Node::Stage::queued;
    path.push_back({node});
  };
  enter(root);
  while (!path.empty()) {
    Visit& visit = path.back();
    if (visit.next_parent < visit.node->parents.size()) {
      enter(visit.node->parents[visit.next_parent++]);
    } else {
      order.push_back(std::move(visit.node));
      path.pop_back();
    }
  }
  return order;
}

}  // namespace

void Var::backward(float gradient) const {
  Node& root = node_of(*this);
  if (shape().size() != 1) {
    throw Error(
        fmt::format("backward() of shape {}: only of a single number, use sum() or mean()", shape().to_string()));
  }
  if (!root.requires_grad) throw Error("backward() of a number that depends on nothing that wants a gradient");
  PooledVector<NodePointer> order = parents_first(node_);
  const bool changed = std::ranges::any_of(order, [](const NodePointer& node) {
    return node->operation != nullptr && node->version != node->parents_version();
  });
  for (const NodePointer& node : order) node->stage = changed ? Node::Stage::fresh : Node::Stage::spent;
  if (changed) throw Error("backward() after the parameters have changed: call it before the update");
  add_to_gradient(root, [&](const View& added) { root.device().fill(root.context, added.span(), gradient); });
  while (!order.empty()) {
    // A node without other owners is released as soon as it has been used.
    const NodePointer node = std::move(order.back());
    order.pop_back();
    if (node->operation != nullptr) node->operation->backward(*node);
    node->operation.reset();
    node->parents.clear();
  }
}

}  // namespace unroll
