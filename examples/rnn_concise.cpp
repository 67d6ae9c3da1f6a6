// The network of rnn_from_scratch.cpp built from the library's layers, with any of the three cells and Adam.
// Usage: rnn_concise [FILE [EPOCHS [rnn|gru|lstm]]]
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "unroll/unroll.h"

using namespace unroll;

constexpr int hidden = 256, batch_size = 32, steps = 35;

int main(int argc, char** argv) try {
  const std::string file = argc > 1 ? argv[1] : "data/lyrics.txt";
  const int epochs = argc > 2 ? std::atoi(argv[2]) : 160;
  const std::string name = argc > 3 ? argv[3] : "rnn";
  const std::map<std::string, CellType> cells{{"rnn", CellType::rnn}, {"gru", CellType::gru}, {"lstm", CellType::lstm}};
  if (epochs < 1 || !cells.contains(name)) throw Error("usage: rnn_concise [FILE [EPOCHS [rnn|gru|lstm]]]");
  const CellType cell = cells.at(name);

  Context ctx({.seed = 1});
  const Corpus corpus = Corpus::read(file, {.newlines = Newlines::space, .limit = 10'000});
  const int symbols = corpus.vocabulary().size();
  Parameters p(ctx);
  const Recurrent rnn(p, "rnn", symbols, {.cell = cell, .hidden = hidden});
  const Linear decoder(p, "decoder", hidden, symbols);
  Adam adam(p, {.learning_rate = cell == CellType::rnn ? 1e-3f : 1e-2f});

  RecurrentState state = rnn.zero_state(batch_size);
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    Mean loss;
    for (const Batch& batch : ConsecutiveWindows(corpus, batch_size, steps)) {
      const auto result = rnn(batch.ids, state);
      state = result.state.detach();
      const Var l = linear_cross_entropy(result.output, decoder, batch.targets);
      p.zero_gradients();
      l.backward();
      clip_by_global_norm(p, 1e-2f);
      adam.step();
      loss.add(static_cast<double>(l.item()), static_cast<double>(batch.targets.size()));
    }
    if (epoch == 1 || epoch % std::max(1, epochs / 5) == 0) {
      fmt::print("epoch {}, perplexity {:.4f}\n", epoch, std::exp(loss.value()));
    }
  }
} catch (const Error& error) {
  fmt::print(stderr, "{}\n", error.what());
  return static_cast<int>(error.code());
}
