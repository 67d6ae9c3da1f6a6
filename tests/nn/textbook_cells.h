#pragma once

#include <map>
#include <string>
#include <vector>

#include "unroll/cell.h"
#include "unroll/layers.h"

namespace unroll {

/// A cell by its textbook formulas, composed of tensor operations, one step and one gate at a time. The fused operation
/// must agree with it. Each gate has its own matrices.
struct TextbookCell {
  CellType cell;
  Activation activation;
  struct Gate {
    Var ih, hh, bias_ih, bias_hh;
  };
  std::vector<Gate> gates;  // in PyTorch's order

  Var from_input(std::size_t gate, const Var& x) const { return matmul(x, gates[gate].ih) + gates[gate].bias_ih; }
  Var from_state(std::size_t gate, const Var& h) const {
    const Var product = matmul(h, gates[gate].hh);
    return gates[gate].bias_hh.defined() ? product + gates[gate].bias_hh : product;
  }
  Var both(std::size_t gate, const Var& x, const Var& h) const { return from_input(gate, x) + from_state(gate, h); }

  /// x [B, I], h and c [B, H]; replaces h and c.
  void step(const Var& x, Var& h, Var& c) const {
    if (cell == CellType::rnn) {
      const Var z = both(0, x, h);
      h = activation == Activation::tanh ? tanh(z) : activation == Activation::relu ? relu(z) : sigmoid(z);
    } else if (cell == CellType::gru) {
      const Var r = sigmoid(both(0, x, h)), z = sigmoid(both(1, x, h));
      const Var n = tanh(from_input(2, x) + r * from_state(2, h));
      h = (1.0f - z) * n + z * h;
    } else {
      const Var i = sigmoid(both(0, x, h)), f = sigmoid(both(1, x, h)), g = tanh(both(2, x, h)),
                o = sigmoid(both(3, x, h));
      c = f * c + i * g;
      h = o * tanh(c);
    }
  }
};

/// Columns of one gate of a [rows, G*H] or [G*H] parameter, as a variable of their own.
inline Var gate_columns(Context& context, const Var& fused, int gate, std::int64_t hidden) {
  const Shape& shape = fused.shape();
  const HostCopy all = on_host(fused.value());
  std::vector<float> part;
  for (std::int64_t r = 0; r < shape.rows(); ++r) {
    for (std::int64_t j = 0; j < hidden; ++j) part.push_back(all[r * shape.columns() + gate * hidden + j]);
  }
  return variable(context, Tensor::of(context, shape.with(-1, hidden), part));
}

/// A stack of textbook cells with the weights of `parameters`' PREFIX.* (see Recurrent).
class TextbookStack {
 public:
  TextbookStack(Parameters& parameters, const std::string& prefix, const RecurrentOptions& options)
      : options_(options) {
    Context& context = parameters.context();
    for (int layer = 0; layer < options.layers; ++layer) {
      for (int direction = 0; direction < (options.bidirectional ? 2 : 1); ++direction) {
        TextbookCell cell{options.cell.type(), options.activation, {}};
        for (int gate = 0; gate < gate_count(options.cell.type()); ++gate) {
          const auto part = [&](const std::string& kind) {
            const std::string name =
                prefix + "." + kind + "_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "");
            const auto* entry = parameters.find(name);
            if (entry == nullptr) return Var();
            const Var var = gate_columns(context, entry->var, gate, options.hidden);
            gates_of_[name].push_back(var);
            return var;
          };
          cell.gates.push_back({part("weight_ih"), part("weight_hh"), part("bias_ih"), part("bias_hh")});
        }
        cells_.push_back(std::move(cell));
      }
    }
  }

  /// x [T, B, I], h and c [L*D, B, H].
  Recurrent::Result operator()(Var x, const RecurrentState& state) const {
    const int directions = options_.bidirectional ? 2 : 1;
    const std::int64_t steps = x.shape()[0], batch = x.shape()[1], hidden = options_.hidden;
    std::vector<Var> final_h, final_c;
    for (int layer = 0; layer < options_.layers; ++layer) {
      std::vector<Var> outputs;
      for (int direction = 0; direction < directions; ++direction) {
        const int slot = layer * directions + direction;
        const auto own = [&](const Var& all) {
          return all.defined() ? reshape(slice(all, slot, slot + 1), {batch, hidden}) : Var();
        };
        Var h = own(state.h), c = own(state.c);
        std::vector<Var> steps_out(static_cast<std::size_t>(steps));
        for (std::int64_t position = 0; position < steps; ++position) {
          const std::int64_t t = direction == 1 ? steps - 1 - position : position;
          cells_[static_cast<std::size_t>(slot)].step(reshape(slice(x, t, t + 1), {batch, x.shape()[2]}), h, c);
          steps_out[static_cast<std::size_t>(t)] = reshape(h, {1, batch, hidden});
        }
        outputs.push_back(concat(steps_out));
        final_h.push_back(reshape(h, {1, batch, hidden}));
        if (c.defined()) final_c.push_back(reshape(c, {1, batch, hidden}));
      }
      x = concat(outputs, -1);
    }
    return {x, {concat(final_h), final_c.empty() ? Var() : concat(final_c)}};
  }

  /// Gradient of a whole parameter, assembled from its gates.
  std::vector<float> gradient(const std::string& name) const {
    const std::vector<Var>& gates = gates_of_.at(name);
    const Shape& shape = gates.front().shape();
    std::vector<float> whole;
    for (std::int64_t r = 0; r < shape.rows(); ++r) {
      for (const Var& gate : gates) {
        const auto row = gate.gradient().span().subspan(static_cast<std::size_t>(r * shape.columns()),
                                                        static_cast<std::size_t>(shape.columns()));
        std::ranges::copy(on_host(row), std::back_inserter(whole));
      }
    }
    return whole;
  }

 private:
  RecurrentOptions options_;
  std::vector<TextbookCell> cells_;
  std::map<std::string, std::vector<Var>> gates_of_;
};

}  // namespace unroll
