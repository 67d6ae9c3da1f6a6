#include <fmt/format.h>

#include "base/require.h"
#include "nn/composed.h"
#include "nn/layer_specs.h"
#include "nn/node.h"
#include "nn/sequence.h"
#include "unroll/error.h"
#include "unroll/layers.h"

namespace unroll {

namespace {

void check(const RecurrentSpec& spec) {
  const RecurrentOptions& options = spec.options;
  const auto at_least_one = [](const char* name, int value) {
    if (value < 1) throw Error(fmt::format("{} {}: it must be at least 1", name, value));
  };
  at_least_one("input size", spec.input);
  at_least_one("hidden", options.hidden);
  at_least_one("layers", options.layers);
  require_known("activation", options.activation);
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    throw Error(fmt::format("dropout {}: it must lie in [0, 1)", options.dropout));
  }
}

void require_state(const char* name, const Var& state, const Shape& expected) {
  if (state.defined() && state.shape() == expected) return;
  throw Error(fmt::format("the state's {} has shape {}: this network and batch need {}", name,
                          state.defined() ? state.shape().to_string() : "none", expected.to_string()));
}

void require_input(const Var& x, int width) {
  const Shape& shape = x.shape();
  if (shape.rank() == 3 && shape[2] == width && shape.size() != 0) return;
  throw Error(fmt::format("recurrent input of shape {}: it must be [steps, batch, {}], each at least 1",
                          shape.to_string(), width));
}

void require_input(const Ids& ids, int symbols) {
  if (ids.size() == 0) throw Error("recurrent input of no indices: it must be [steps, batch], each at least 1");
  require_below(ids.flat(), symbols, "recurrent input: index");
}

/// A mask element has the index of its element in the outputs of all layers, [L, T, B, D*H], of the full batch.
Var dropout_between_layers(const Var& x, float p, const StepDropout& dropout, int layer) {
  const std::int64_t steps = x.shape()[0], rows = x.shape()[1], width = x.shape()[2];
  const std::int64_t batch = dropout.batch == 0 ? rows : dropout.batch;
  const std::int64_t first = (layer * steps * batch + dropout.first_row) * width;
  return dropout_from(x, p, dropout.random, {.first = first, .run = rows * width, .stride = batch * width});
}

}  // namespace

RecurrentState RecurrentState::detach() const { return {h.detach(), c.defined() ? c.detach() : Var()}; }

Recurrent::Recurrent(Parameters& parameters, const RecurrentSpec& spec)
    : Module(parameters, spec.name),
      input_(spec.input),
      options_(spec.options),
      has_c_(spec.options.cell == CellType::lstm) {
  check(spec);
  if (!options_.cell.is_built_in()) {
    for (int slot = 0; slot < options_.layers * directions(); ++slot) {
      const int layer = slot / directions();
      const std::string part = fmt::format("cell_l{}{}", layer, slot % directions() == 1 ? "_reverse" : "");
      const int input = layer == 0 ? input_ : directions() * options_.hidden;
      cells_.push_back(options_.cell.make(parameters, path(part), input, options_.hidden));
    }
    has_c_ = zero_state_of(cells_, 1, options_.hidden).c.defined();
    return;
  }
  const std::vector<Var> own = add(parameters_of(spec));
  for (std::size_t i = 0; i < own.size(); i += 4) weights_.push_back({own[i], own[i + 1], own[i + 2], own[i + 3]});
}

Recurrent::Recurrent(Parameters& parameters, const std::string& name, int input, const RecurrentOptions& options,
                     const Init& init, const Init& bias_init)
    : Recurrent(parameters,
                RecurrentSpec{.name = name, .input = input, .options = options, .init = init, .bias_init = bias_init}) {
}

Recurrent::Recurrent(Parameters& parameters, const std::string& name, int input, const RecurrentOptions& options)
    : Recurrent(parameters, name, input, options, uniform_for_fan(options.hidden), uniform_for_fan(options.hidden)) {}

RecurrentState Recurrent::zero_state(int batch) const {
  if (!cells_.empty()) return zero_state_of(cells_, batch, options_.hidden);
  const Shape shape{std::int64_t{options_.layers} * directions(), batch, options_.hidden};
  return {zeros(context(), shape), has_c_ ? zeros(context(), shape) : Var()};
}

Recurrent::Result Recurrent::operator()(const Var& x, const RecurrentState& state, const StepDropout* dropout) const {
  require_input(x, input_);
  return run(x.shape()[1], x, {}, state, dropout);
}

Recurrent::Result Recurrent::operator()(const Ids& ids, const RecurrentState& state, const StepDropout* dropout) const {
  require_input(ids, input_);
  if (!cells_.empty()) return run(ids.batch(), one_hot_rows(context(), ids, input_), {}, state, dropout);
  return run(ids.batch(), {}, ids.flat(), state, dropout);
}

Recurrent::Result Recurrent::operator()(const Var& x) const {
  require_input(x, input_);
  return (*this)(x, zero_state(static_cast<int>(x.shape()[1])));
}

Recurrent::Result Recurrent::operator()(const Ids& ids) const { return (*this)(ids, zero_state(ids.batch())); }

Recurrent::Result Recurrent::run(std::int64_t batch, Var x, std::span<const std::int32_t> ids,
                                 const RecurrentState& state, const StepDropout* dropout) const {
  const Shape state_shape{std::int64_t{options_.layers} * directions(), batch, options_.hidden};
  require_state("h", state.h, state_shape);
  if (has_c_) require_state("c", state.c, state_shape);

  const auto run_layer = [&](int slot, int direction) -> SequenceOperation::Result {
    if (!cells_.empty()) return run_composed(*cells_[static_cast<std::size_t>(slot)], x, state, slot, direction == 1);
    const Weights& weights = weights_[static_cast<std::size_t>(slot)];
    RecurrentSequence sequence;
    sequence.cell = options_.cell.type();
    sequence.activation = options_.activation;
    sequence.reverse = direction == 1;
    sequence.steps = x.defined() ? x.shape()[0] : std::ssize(ids) / batch;
    sequence.batch = batch;
    sequence.hidden = options_.hidden;
    const Var operands[] = {x,          state.h,         has_c_ ? state.c : Var(), weights.ih,
                            weights.hh, weights.bias_ih, weights.bias_hh};
    auto operation = make_pooled<SequenceOperation>(context(), context(), sequence, slot,
                                                    x.defined() ? std::span<const std::int32_t>() : ids);
    return SequenceOperation::run(std::move(operation), operands);
  };
  PooledVector<Var> final_h(context()), final_c(context());
  for (int layer = 0; layer < options_.layers; ++layer) {
    if (layer > 0 && dropout != nullptr) x = dropout_between_layers(x, options_.dropout, *dropout, layer - 1);
    PooledVector<Var> outputs(context());
    for (int direction = 0; direction < directions(); ++direction) {
      SequenceOperation::Result result = run_layer(layer * directions() + direction, direction);
      outputs.push_back(std::move(result.output));
      final_h.push_back(std::move(result.h));
      final_c.push_back(std::move(result.c));
    }
    x = outputs.size() == 1 ? outputs.front() : concat(std::span<const Var>(outputs), -1);
  }
  const auto stacked = [](std::span<const Var> parts) { return parts.size() == 1 ? parts.front() : concat(parts); };
  return {x, {stacked(final_h), has_c_ ? stacked(final_c) : Var()}};
}

}  // namespace unroll
