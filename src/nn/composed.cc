#include "nn/composed.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/device_memory.h"
#include "base/require.h"
#include "unroll/error.h"

namespace unroll {

Cell::Cell(Parameters& parameters, const std::string& name, int hidden) : Module(parameters, name), hidden_(hidden) {}

CellState Cell::zero_state(int batch) const { return {zeros(context(), {batch, hidden_})}; }

CellKind::CellKind(CellType type) : type_(type) {
  require_known("cell", type);
  name_ = name_of(type);
}

CellKind::CellKind(std::string name, Maker make) : name_(std::move(name)), make_(std::move(make)) {
  constexpr std::size_t max_length = 100;
  const auto is_taken = [&](const auto& built_in) { return built_in.first == name_; };
  const auto is_printable = [](char c) { return c > ' ' && c <= '~'; };
  if (name_.empty()) throw Error("a cell of your own needs a name, which model files keep");
  if (name_.size() > max_length || !std::ranges::all_of(name_, is_printable)) {
    throw Error("the name of a cell of your own must have at most 100 characters, all of them printable ASCII");
  }
  if (!make_) throw Error(fmt::format("the cell {} has no function that makes it", name_));
  if (std::ranges::any_of(enum_names<CellType>(), is_taken)) {
    throw Error(fmt::format("a cell of your own is named {}, as a built-in one; give it another name", name_));
  }
}

CellType CellKind::type() const {
  if (type_) return *type_;
  throw Error(fmt::format("the cell {} is not built in: its gates, products and memory are not known", name_));
}

std::shared_ptr<const Cell> CellKind::make(Parameters& parameters, const std::string& name, int input,
                                           int hidden) const {
  const std::size_t first = parameters.entries().size();
  std::shared_ptr<const Cell> cell = make_(parameters, name, input, hidden);
  if (cell == nullptr) throw Error(fmt::format("the function that makes the cell {} returned null", name_));
  for (const Parameters::Entry& added : std::span(parameters.entries()).subspan(first)) {
    if (added.name.starts_with(name + ".")) continue;
    throw Error(fmt::format("the cell {} adds the parameter {}, which must begin with {}.: name parts by path()", name_,
                            added.name, name));
  }
  return cell;
}

Var one_hot_rows(Context& context, const Ids& ids, int symbols) {
  Tensor rows = Tensor::zeros(context, {ids.steps(), ids.batch(), symbols});
  MutableHostView values(context, rows.span());
  std::size_t first = 0;
  for (const std::int32_t id : ids.flat()) {
    values.span()[first + static_cast<std::size_t>(id)] = 1;
    first += static_cast<std::size_t>(symbols);
  }
  values.store();
  return constant(context, std::move(rows));
}

namespace {

/// The tensors of one layer, [B, H], as a part of a state.
Var as_part(const Var& tensor) { return reshape(tensor, {1, tensor.shape()[0], tensor.shape()[1]}); }

Var part_of_state(const Var& state, std::int64_t slot) {
  return reshape(slice(state, slot, slot + 1), {state.shape()[1], state.shape()[2]});
}

void require_same_tensors(const CellState& after, const CellState& before) {
  const auto same = [](const Var& a, const Var& b) { return a.defined() && a.shape() == b.shape(); };
  if (std::ranges::equal(after, before, same)) return;
  std::string shapes;
  for (const Var& tensor : after) {
    shapes += fmt::format(" {}", tensor.defined() ? tensor.shape().to_string() : "undefined");
  }
  throw Error(fmt::format("step() of a cell returned{}; it must return {} of shape {}", shapes,
                          before.size() == 1 ? "one tensor" : "two tensors", before.front().shape().to_string()));
}

CellState checked_zero_state(const Cell& cell, const Shape& expected) {
  CellState state = cell.zero_state(static_cast<int>(expected[0]));
  if (state.empty() || state.size() > 2) {
    throw Error(fmt::format("zero_state() of a cell returned {} tensors; a state has one or two", state.size()));
  }
  for (const Var& tensor : state) {
    if (tensor.defined() && tensor.shape() == expected) continue;
    throw Error(fmt::format("zero_state() of a cell returned {}; its tensors must be of shape {}",
                            tensor.defined() ? tensor.shape().to_string() : "undefined", expected.to_string()));
  }
  return state;
}

}  // namespace

RecurrentState zero_state_of(Cells cells, int batch, int hidden) {
  std::vector<Var> h, c;
  for (const std::shared_ptr<const Cell>& cell : cells) {
    const CellState state = checked_zero_state(*cell, {batch, hidden});
    h.push_back(as_part(state[0]));
    if (state.size() == 2) c.push_back(as_part(state[1]));
  }
  if (!c.empty() && c.size() != h.size()) {
    throw Error("zero_state() returned one tensor in some cells of a network and two in others");
  }
  return {concat(h), c.empty() ? Var() : concat(c)};
}

SequenceOperation::Result run_composed(const Cell& cell, const Var& x, const RecurrentState& state, std::int64_t slot,
                                       bool reverse) {
  const std::int64_t steps = x.shape()[0];
  CellState now = {part_of_state(state.h, slot)};
  if (state.c.defined()) now.push_back(part_of_state(state.c, slot));
  std::vector<Var> outputs(static_cast<std::size_t>(steps));
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = reverse ? steps - 1 - i : i;
    CellState after = cell.step(part_of_state(x, t), now);
    require_same_tensors(after, now);
    now = std::move(after);
    outputs[static_cast<std::size_t>(t)] = now[0];
  }
  return {stack(outputs), as_part(now[0]), now.size() == 2 ? as_part(now[1]) : Var()};
}

}  // namespace unroll
