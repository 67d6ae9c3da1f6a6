#pragma once

#include <string>

#include "unroll/layers.h"

namespace unroll::test {

/// The GRU as a cell of one's own. Its parameters have the shapes, the order and the initial values of the built-in
/// one, so that both begin with equal weights.
struct MinimalGru : Cell {
  MinimalGru(Parameters& p, const std::string& name, int input, int width)
      : Cell(p, name, width),
        W_x(add("W_x", {input, std::int64_t{3} * width}, uniform_for_fan(width))),
        W_h(add("W_h", {width, std::int64_t{3} * width}, uniform_for_fan(width))),
        b_x(add("b_x", {std::int64_t{3} * width}, uniform_for_fan(width))),
        b_h(add("b_h", {std::int64_t{3} * width}, uniform_for_fan(width))) {}

  CellState step(const Var& x, const CellState& before) const override {
    const Var &h = before[0], from_x = matmul(x, W_x) + b_x, from_h = matmul(h, W_h) + b_h;
    const auto gate = [this](const Var& all, int k) { return slice(all, k * hidden(), (k + 1) * hidden(), -1); };
    const Var r = sigmoid(gate(from_x, 0) + gate(from_h, 0)), z = sigmoid(gate(from_x, 1) + gate(from_h, 1));
    const Var n = tanh(gate(from_x, 2) + r * gate(from_h, 2));
    return {(1.0f - z) * n + z * h};
  }

  Var W_x, W_h, b_x, b_h;
};

/// The LSTM as a cell of one's own, with a state of two tensors.
struct MinimalLstm : Cell {
  MinimalLstm(Parameters& p, const std::string& name, int input, int width)
      : Cell(p, name, width),
        W_x(add("W_x", {input, std::int64_t{4} * width}, uniform_for_fan(width))),
        W_h(add("W_h", {width, std::int64_t{4} * width}, uniform_for_fan(width))),
        b_x(add("b_x", {std::int64_t{4} * width}, uniform_for_fan(width))),
        b_h(add("b_h", {std::int64_t{4} * width}, uniform_for_fan(width))) {}

  CellState zero_state(int batch) const override {
    return {zeros(context(), {batch, hidden()}), zeros(context(), {batch, hidden()})};
  }
  CellState step(const Var& x, const CellState& before) const override {
    const Var all = matmul(x, W_x) + b_x + matmul(before[0], W_h) + b_h;
    const auto gate = [&](int k) { return slice(all, k * hidden(), (k + 1) * hidden(), -1); };
    const Var c = sigmoid(gate(1)) * before[1] + sigmoid(gate(0)) * tanh(gate(2));
    return {sigmoid(gate(3)) * tanh(c), c};
  }

  Var W_x, W_h, b_x, b_h;
};

}  // namespace unroll::test
