// A recurrent neural network written with tensors and automatic differentiation, in the order of the textbook's
// chapter. Usage: rnn_from_scratch [FILE [EPOCHS [consecutive|random]]]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "unroll/unroll.h"

using namespace unroll;

constexpr int num_hiddens = 256, batch_size = 32, num_steps = 35;
constexpr float learning_rate = 1e2f, clipping_theta = 1e-2f;

// One-hot vectors for each time step: one row per sequence.
std::vector<OneHot> to_onehot(const Ids& x, int n_class) {
  std::vector<OneHot> inputs;
  for (int t = 0; t < x.steps(); ++t) inputs.push_back(one_hot(x[t], n_class));
  return inputs;
}

// Model parameters.
struct Params {
  Var W_xh, W_hh, b_h;  // hidden layer
  Var W_hq, b_q;        // output layer
};

Params get_params(Parameters& p, int vocab_size) {
  const Normal normal{0, 0.01f};
  return {p.add("W_xh", {vocab_size, num_hiddens}, normal), p.add("W_hh", {num_hiddens, num_hiddens}, normal),
          p.add("b_h", {num_hiddens}), p.add("W_hq", {num_hiddens, vocab_size}, normal), p.add("b_q", {vocab_size})};
}

// The model.
Var init_rnn_state(Context& ctx, int batch) { return zeros(ctx, {batch, num_hiddens}); }

struct Outputs {
  std::vector<Var> steps;  // per time step [batch, vocab_size]
  Var h;
};

Outputs rnn(const std::vector<OneHot>& inputs, Var h, const Params& params) {
  const auto& [W_xh, W_hh, b_h, W_hq, b_q] = params;
  std::vector<Var> outputs;
  for (const OneHot& x : inputs) {
    h = tanh(matmul(x, W_xh) + matmul(h, W_hh) + b_h);
    outputs.push_back(matmul(h, W_hq) + b_q);
  }
  return {outputs, h};
}

// Prediction: the network reads the prefix, then its own predictions.
std::string predict_rnn(const std::string& prefix, int num_chars, const Params& params, Context& ctx,
                        const Tokenizer& vocab) {
  Var h = init_rnn_state(ctx, 1);
  std::vector<std::int32_t> output = vocab.encode(prefix);
  const std::size_t length = output.size() + static_cast<std::size_t>(num_chars);
  for (std::size_t t = 0; t + 1 < length; ++t) {
    Outputs y = rnn({one_hot(std::span(&output[t], 1), vocab.size())}, h, params);
    h = y.h.detach();
    if (t + 1 < output.size()) continue;
    const auto scores = y.steps[0].value().span();
    output.push_back(static_cast<std::int32_t>(std::max_element(scores.begin(), scores.end()) - scores.begin()));
  }
  return vocab.decode(output);
}

// Clipping: if the norm of all gradients together exceeds theta, scales them to norm theta.
void grad_clipping(Parameters& p, double theta) {
  double norm = 0;
  for (const float g : p.gradients()) norm += static_cast<double>(g) * static_cast<double>(g);
  norm = std::sqrt(norm);
  if (norm <= theta) return;
  for (float& g : p.gradients()) g *= static_cast<float>(theta / norm);
}

// Training with either kind of windows. The perplexity is exp(mean cross-entropy).
void train_and_predict_rnn(const Corpus& corpus, WindowKind kind, int num_epochs, Context& ctx) {
  const int vocab_size = corpus.vocabulary().size();
  Parameters p(ctx);
  const Params params = get_params(p, vocab_size);
  Windows windows(kind, corpus.ids(), batch_size, num_steps, ctx.seed());
  for (int epoch = 1; epoch <= num_epochs; ++epoch) {
    windows.begin_epoch(epoch);
    Mean loss;
    Var h = init_rnn_state(ctx, batch_size);
    for (const Batch& batch : windows) {
      // Consecutive windows carry the state without its graph; random ones start from zeros.
      h = batch.carries_state ? h.detach() : init_rnn_state(ctx, batch_size);
      Outputs outputs = rnn(to_onehot(batch.ids, vocab_size), h, params);
      h = outputs.h;
      const Var l = cross_entropy(concat(outputs.steps), batch.targets);
      p.zero_gradients();
      l.backward();
      grad_clipping(p, clipping_theta);
      sgd(p, learning_rate);
      loss.add(static_cast<double>(l.item()), static_cast<double>(batch.targets.size()));
    }
    if (epoch % std::max(1, num_epochs / 5) == 0 || epoch == 1) {
      fmt::print("epoch {}, perplexity {:.4f}\n", epoch, std::exp(loss.value()));
      fmt::print(" - {}\n", predict_rnn(corpus.text(0, 4), 50, params, ctx, corpus.vocabulary()));
    }
  }
}

int main(int argc, char** argv) try {
  const std::string file = argc > 1 ? argv[1] : "data/lyrics.txt";
  const int num_epochs = argc > 2 ? std::atoi(argv[2]) : 250;
  const std::string kind = argc > 3 ? argv[3] : "consecutive";
  if (num_epochs < 1 || (kind != "consecutive" && kind != "random")) {
    throw Error("usage: rnn_from_scratch [FILE [EPOCHS [consecutive|random]]]");
  }
  Context ctx({.seed = 1});
  const Corpus corpus = Corpus::read(file, {.newlines = Newlines::space, .limit = 10'000});
  train_and_predict_rnn(corpus, kind == "random" ? WindowKind::random : WindowKind::consecutive, num_epochs, ctx);
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return static_cast<int>(error.code());
}
