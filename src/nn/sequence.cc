#include "nn/sequence.h"

namespace unroll {

namespace {

std::span<float> slot_span(float* slots, std::int64_t slot, std::int64_t size) {
  return {slots + slot * size, static_cast<std::size_t>(size)};
}

void copy(const Device& device, Context& context, std::span<const float> from, std::span<float> to) {
  const auto size = static_cast<std::int64_t>(from.size());
  device.copy(context, ConstMatrix(from.data(), 1, size), Matrix(to.data(), 1, size));
}

}  // namespace

SequenceOperation::SequenceOperation(Context& context, const RecurrentSequence& extents, std::int64_t slot,
                                     std::span<const std::int32_t> ids)
    : sequence_(extents), slot_(slot), ids_(ids.begin(), ids.end(), context) {}

SequenceOperation::Result SequenceOperation::run(std::shared_ptr<SequenceOperation> operation,
                                                 std::span<const Var> operands) {
  const RecurrentSequence& sequence = operation->sequence_;
  const Shape output_shape{sequence.steps, sequence.batch, sequence.hidden};
  const auto slots = make_result(operands, output_shape.with(0, sequence.steps + 1));
  operation->forward(*slots);
  const Var result(slots);
  Result out;
  out.output = make_alias(result, sequence.output() - sequence.h, output_shape);
  out.h = operation->final_state(result, sequence.h, operation->final_h_);
  if (operation->is(CellType::lstm)) out.c = operation->final_state(result, sequence.c, operation->final_c_);
  slots->operation = std::move(operation);
  return out;
}

/// A copy, so that a carried state does not keep the whole sequence in memory. `kept` gives recurrent_backward() access
/// to its gradient.
Var SequenceOperation::final_state(const Var& result, float* slots, std::shared_ptr<Storage>& kept) const {
  const auto state = make_result({result}, {1, sequence_.batch, sequence_.hidden});
  copy(state->device(), state->context, slot_span(slots, last_slot(), sequence_.slot_size()), state->value().span());
  kept = state->storage;
  return Var(state);
}

/// This layer and direction's part of a state [L*D, B, H] or of its gradient.
std::span<float> SequenceOperation::own_part(const View& state) const {
  return slot_span(state.data, slot_, sequence_.slot_size());
}

void SequenceOperation::set_pointers(Node& result) {
  sequence_.gates = gates_.data();
  sequence_.candidate = candidate_.data();
  sequence_.c = c_.data();
  sequence_.h = result.storage->value.data();
  sequence_.weight = result.parent(hh).value().data;
  sequence_.bias = result.parents[bias_hh] == nullptr ? nullptr : result.parent(bias_hh).value().data;
}

void SequenceOperation::forward(Node& result) {
  Context& context = result.context;
  const Device& device = result.device();
  const Shape slots{sequence_.steps + 1, sequence_.batch, sequence_.hidden};
  gates_ = Tensor(context, {rows(), width()});
  if (is(CellType::gru)) candidate_ = Tensor(context, {rows(), sequence_.hidden});
  if (is(CellType::lstm)) c_ = Tensor(context, slots);
  set_pointers(result);

  const ConstMatrix weight(result.parent(ih).value());
  const float* bias = result.parent(bias_ih).value().data;
  if (result.parents[x] == nullptr) {
    device.gather_rows(context, weight, ids_, bias, gates());
  } else {
    device.gemm(context, ConstMatrix(result.parent(x).value()), weight, gates(), Accumulate::onto_bias(bias));
  }
  const std::int64_t size = sequence_.slot_size();
  copy(device, context, own_part(result.parent(h).value()), slot_span(sequence_.h, first_slot(), size));
  if (is(CellType::lstm)) {
    copy(device, context, own_part(result.parent(c).value()), slot_span(sequence_.c, first_slot(), size));
  }
  device.recurrent_forward(context, sequence_);
}

void SequenceOperation::backward(Node& result) {
  set_pointers(result);
  recurrent_backward(result);
  state_weights_and_biases_backward(result);
  input_backward(result);
}

/// Overwrites gates and candidate with their gradients, and adds the gradients of the initial state.
void SequenceOperation::recurrent_backward(Node& result) {
  Context& context = result.context;
  const Device& device = result.device();
  const auto final_gradient = [&](const std::shared_ptr<Storage>& final_state) {
    Tensor d_state = Tensor::zeros(context, {sequence_.batch, sequence_.hidden});
    if (final_state->has_gradient()) device.axpy(context, 1, final_state->gradient.span(), d_state.span());
    return d_state;
  };
  Tensor d_h = final_gradient(final_h_), d_c;
  if (is(CellType::lstm)) d_c = final_gradient(final_c_);
  const RecurrentGradient gradient{result.gradient().data + (sequence_.output() - sequence_.h), d_h.data(), d_c.data()};
  device.recurrent_backward(context, sequence_, gradient);
  const auto pass = [&](Operand state, const Tensor& d_state) {
    Node& initial = result.parent(state);
    if (initial.requires_grad) device.axpy(context, 1, d_state.span(), own_part(initial.gradient()));
  };
  pass(h, d_h);
  if (is(CellType::lstm)) pass(c, d_c);
}

void SequenceOperation::state_weights_and_biases_backward(Node& result) {
  Context& context = result.context;
  const Device& device = result.device();
  const ConstMatrix before(sequence_.before(), rows(), sequence_.hidden);
  const Matrix d_weight(result.parent(hh).gradient());
  const std::span<float> d_bias =
      result.parents[bias_hh] == nullptr ? std::span<float>() : result.parent(bias_hh).gradient().span();
  // In the gru's n block the reset gate is applied to the product of the state only, so the products of input and
  // state have different gradients there.
  const std::int64_t shared = is(CellType::gru) ? 2 * sequence_.hidden : width();
  Tensor sums = Tensor::zeros(context, {width()});
  device.weight_gradient(context, before, gates().column_range(0, shared), d_weight.column_range(0, shared),
                         sums.data());
  if (is(CellType::gru)) {
    device.weight_gradient(context, before, candidate(), d_weight.column_range(shared, sequence_.hidden),
                           d_bias.empty() ? nullptr : d_bias.data() + shared);
    device.add_column_sums(context, gates().column_range(shared, sequence_.hidden), sums.data() + shared);
  }
  device.axpy(context, 1, sums.span(), result.parent(bias_ih).gradient().span());
  if (d_bias.empty()) return;
  const auto count = static_cast<std::size_t>(shared);
  device.axpy(context, 1, sums.span().first(count), d_bias.first(count));
}

void SequenceOperation::input_backward(Node& result) {
  Context& context = result.context;
  const Device& device = result.device();
  Node& weight = result.parent(ih);
  if (result.parents[x] == nullptr) {
    device.scatter_add_rows(context, ids_, gates(), Matrix(weight.gradient()));
    return;
  }
  Node& input = result.parent(x);
  device.weight_gradient(context, ConstMatrix(input.value()), gates(), Matrix(weight.gradient()), nullptr);
  if (!input.requires_grad) return;
  const Accumulate start = input.begin_gradient();
  device.gemm(context, gates(), ConstMatrix(weight.value()).transposed(), Matrix(input.gradient()), start);
}

}  // namespace unroll
