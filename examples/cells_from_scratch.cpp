// The textbook's further recurrent networks by their formulas, as they stand in the text: the gated recurrent unit, the
// long short-term memory, a deep and a bidirectional network. Each reads windows of a text from a state of zeros and
// learns the next symbol. (The bidirectional network reads that symbol too, unless it is the last one of the window.)
// Usage: cells_from_scratch [FILE [EPOCHS [gru|lstm|deep|bidirectional]]]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <tuple>

#include "unroll/unroll.h"

using namespace unroll;

constexpr int num_hiddens = 128, batch_size = 32, num_steps = 35;

// Hidden state and, in a long short-term memory, the memory cell: [batch, num_hiddens] each.
struct State {
  Var H, C;
};

State zero_state(Context& ctx) {
  return {zeros(ctx, {batch_size, num_hiddens}), zeros(ctx, {batch_size, num_hiddens})};
}

// A module whose gates have weights of the input and of the hidden state, and a bias.
struct GatedModule : Module {
  GatedModule(Parameters& p, const std::string& name, int inputs) : Module(p, name), num_inputs(inputs) {}
  std::tuple<Var, Var, Var> gate(const std::string& letter) {
    const Normal normal{0, 0.1f};
    return {add("W_x" + letter, {num_inputs, num_hiddens}, normal),
            add("W_h" + letter, {num_hiddens, num_hiddens}, normal), add("b_" + letter, {num_hiddens})};
  }
  int num_inputs;
};

struct Rnn : GatedModule {
  Rnn(Parameters& p, const std::string& name, int inputs) : GatedModule(p, name, inputs) {
    std::tie(W_xh, W_hh, b_h) = gate("h");
  }
  template <class Input>
  State operator()(const Input& X, const State& state) const {
    const Var& H = state.H;
    return {tanh(matmul(X, W_xh) + matmul(H, W_hh) + b_h), {}};
  }
  Var W_xh, W_hh, b_h;
};

struct Gru : GatedModule {
  Gru(Parameters& p, const std::string& name, int inputs) : GatedModule(p, name, inputs) {
    std::tie(W_xz, W_hz, b_z) = gate("z");  // update gate
    std::tie(W_xr, W_hr, b_r) = gate("r");  // reset gate
    std::tie(W_xh, W_hh, b_h) = gate("h");  // candidate hidden state
  }
  template <class Input>
  State operator()(const Input& X, const State& state) const {
    Var H = state.H;
    const Var Z = sigmoid(matmul(X, W_xz) + matmul(H, W_hz) + b_z);
    const Var R = sigmoid(matmul(X, W_xr) + matmul(H, W_hr) + b_r);
    const Var H_tilde = tanh(matmul(X, W_xh) + matmul(R * H, W_hh) + b_h);
    H = Z * H + (1 - Z) * H_tilde;
    return {H, {}};
  }
  Var W_xz, W_hz, b_z, W_xr, W_hr, b_r, W_xh, W_hh, b_h;
};

struct Lstm : GatedModule {
  Lstm(Parameters& p, const std::string& name, int inputs) : GatedModule(p, name, inputs) {
    std::tie(W_xi, W_hi, b_i) = gate("i");  // input gate
    std::tie(W_xf, W_hf, b_f) = gate("f");  // forget gate
    std::tie(W_xo, W_ho, b_o) = gate("o");  // output gate
    std::tie(W_xc, W_hc, b_c) = gate("c");  // candidate memory cell
  }
  template <class Input>
  State operator()(const Input& X, const State& state) const {
    Var H = state.H, C = state.C;
    const Var I = sigmoid(matmul(X, W_xi) + matmul(H, W_hi) + b_i);
    const Var F = sigmoid(matmul(X, W_xf) + matmul(H, W_hf) + b_f);
    const Var O = sigmoid(matmul(X, W_xo) + matmul(H, W_ho) + b_o);
    const Var C_tilde = tanh(matmul(X, W_xc) + matmul(H, W_hc) + b_c);
    C = F * C + I * C_tilde;
    H = O * tanh(C);
    return {H, C};
  }
  Var W_xi, W_hi, b_i, W_xf, W_hf, b_f, W_xo, W_ho, b_o, W_xc, W_hc, b_c;
};

// The hidden states of all time steps.
template <class Cell, class Input>
std::vector<Var> unrolled(const Cell& cell, const std::vector<Input>& inputs, State state) {
  std::vector<Var> outputs;
  for (const Input& X : inputs) {
    state = cell(X, state);
    outputs.push_back(state.H);
  }
  return outputs;
}

template <class Item>
std::vector<Item> reversed(std::vector<Item> items) {
  std::reverse(items.begin(), items.end());
  return items;
}

using Inputs = std::vector<OneHot>;
// A network computes the hidden states [batch, width] of all time steps.
using Network = std::function<std::vector<Var>(const Inputs&)>;

Network one_layer(const auto& cell, Context& ctx) {
  return [cell, &ctx](const Inputs& inputs) { return unrolled(cell, inputs, zero_state(ctx)); };
}

// The hidden states of one layer are the inputs of the next.
Network deep(Parameters& p, int num_inputs, Context& ctx) {
  return [first = Rnn(p, "rnn1", num_inputs), second = Rnn(p, "rnn2", num_hiddens), &ctx](const Inputs& inputs) {
    return unrolled(second, unrolled(first, inputs, zero_state(ctx)), zero_state(ctx));
  };
}

// A second layer reads the sequence from its end; the hidden states of both are concatenated.
Network bidirectional(Parameters& p, int num_inputs, Context& ctx) {
  return [f_rnn = Rnn(p, "f_rnn", num_inputs), b_rnn = Rnn(p, "b_rnn", num_inputs), &ctx](const Inputs& inputs) {
    const std::vector<Var> f_H = unrolled(f_rnn, inputs, zero_state(ctx));
    const std::vector<Var> b_H = reversed(unrolled(b_rnn, reversed(inputs), zero_state(ctx)));
    std::vector<Var> H;
    for (std::size_t t = 0; t < f_H.size(); ++t) H.push_back(concat({f_H[t], b_H[t]}, -1));
    return H;
  };
}

void train(const Corpus& corpus, const std::string& name, int num_epochs, Context& ctx) {
  const int vocab_size = corpus.vocabulary().size();
  Parameters p(ctx);
  const Network network = name == "gru"    ? one_layer(Gru(p, "gru", vocab_size), ctx)
                          : name == "lstm" ? one_layer(Lstm(p, "lstm", vocab_size), ctx)
                          : name == "deep" ? deep(p, vocab_size, ctx)
                                           : bidirectional(p, vocab_size, ctx);
  const Linear output(p, "output", name == "bidirectional" ? 2 * num_hiddens : num_hiddens, vocab_size);
  Adam adam(p, {.learning_rate = name == "deep" ? 1e-3 : 1e-2});
  for (int epoch = 1; epoch <= num_epochs; ++epoch) {
    Mean loss;
    for (const Batch& batch : ConsecutiveWindows(corpus, batch_size, num_steps)) {
      Inputs inputs;
      for (int t = 0; t < num_steps; ++t) inputs.push_back(one_hot(batch.ids[t], vocab_size));
      const Var l = cross_entropy(output(stack(network(inputs))), batch.targets);
      p.zero_gradients();
      l.backward();
      clip_by_global_norm(p, 1);
      adam.step();
      loss.add(static_cast<double>(l.item()), static_cast<double>(batch.targets.size()));
    }
    if (epoch == 1 || epoch % std::max(1, num_epochs / 5) == 0) {
      fmt::print("epoch {}, perplexity {:.4f}\n", epoch, std::exp(loss.value()));
    }
  }
}

int main(int argc, char** argv) try {
  const std::string file = argc > 1 ? argv[1] : "data/lyrics.txt";
  const int num_epochs = argc > 2 ? std::atoi(argv[2]) : 50;
  const std::string name = argc > 3 ? argv[3] : "gru";
  if (num_epochs < 1 || (name != "gru" && name != "lstm" && name != "deep" && name != "bidirectional")) {
    throw Error("usage: cells_from_scratch [FILE [EPOCHS [gru|lstm|deep|bidirectional]]]");
  }
  Context ctx({.seed = 1});
  const Corpus corpus = Corpus::read(file, {.newlines = Newlines::space, .limit = 10'000});
  train(corpus, name, num_epochs, ctx);
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return static_cast<int>(error.code());
}
