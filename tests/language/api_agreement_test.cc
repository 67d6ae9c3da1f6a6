#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "unroll/unroll.h"

namespace unroll {
namespace {

constexpr int hidden = 64, batch = 8, steps = 20, updates = 20;
constexpr float deviation = 0.01f, learning_rate = 1e2f, max_norm = 1e-2f;

Corpus lyrics() {
  return Corpus::read(UNROLL_SOURCE_DIR "/data/lyrics.txt", {.newlines = Newlines::space, .limit = 10'000});
}

std::vector<double> fused_losses(const Corpus& corpus) {
  Context context({.seed = 1});
  LanguageModel model(context, corpus.vocabulary(),
                      {.hidden = hidden, .biases = Biases::one, .init = {.standard_deviation = deviation}});
  Sgd optimizer(model.parameters(), {.learning_rate = learning_rate});
  LanguageTask task(model, corpus, {.batch = batch, .window = steps});
  Trainer trainer(task, optimizer, {.epochs = 1 + updates / task.batches_per_epoch(), .clip_norm = max_norm});
  std::vector<double> losses;
  trainer.on_step([&](const StepReport& report) { losses.push_back(report.loss); });
  trainer.run();
  losses.resize(updates);
  return losses;
}

std::vector<double> autograd_losses(const Corpus& corpus) {
  Context context({.seed = 1});
  const int symbols = corpus.vocabulary().size();
  Parameters p(context);
  const Var W_xh = p.add("W_xh", {symbols, hidden}, Normal{0, deviation});
  const Var W_hh = p.add("W_hh", {hidden, hidden}, Normal{0, deviation});
  const Var b_h = p.add("b_h", {hidden});
  const Var W_hq = p.add("W_hq", {hidden, symbols}, Normal{0, deviation});
  const Var b_q = p.add("b_q", {symbols});
  std::vector<double> losses;
  while (losses.size() < updates) {
    Var h = zeros(context, {batch, hidden});
    for (const Batch& window : ConsecutiveWindows(corpus, batch, steps)) {
      h = h.detach();
      std::vector<Var> outputs;
      for (int t = 0; t < steps; ++t) {
        h = tanh(matmul(one_hot(window.ids[t], symbols), W_xh) + matmul(h, W_hh) + b_h);
        outputs.push_back(matmul(h, W_hq) + b_q);
      }
      const Var loss = cross_entropy(concat(outputs), window.targets);
      p.zero_gradients();
      loss.backward();
      clip_by_global_norm(p, max_norm);
      sgd(p, learning_rate);
      losses.push_back(loss.item());
      if (losses.size() == updates) break;
    }
  }
  return losses;
}

// The two APIs draw the same weights and compute the same sums in different orders. A chain of n roundings with random
// signs has an error of about sqrt(n) epsilon. A logit comes out of a chain of `hidden` products after `steps` steps of
// the cell, and each update passes its error on to the next.
double bound(double loss, int update) {
  constexpr double epsilon = std::numeric_limits<float>::epsilon();
  return (update + 1) * std::sqrt(double{hidden} + steps) * epsilon * loss;
}

TEST(ApiAgreement, GiveTheSameLossesForTwentySteps) {
  const Corpus corpus = lyrics();
  const std::vector<double> fast = fused_losses(corpus), textbook = autograd_losses(corpus);
  ASSERT_EQ(fast.size(), std::size_t{updates});
  ASSERT_EQ(textbook.size(), std::size_t{updates});
  double max_share = 0;
  for (std::size_t i = 0; i < updates; ++i) {
    const double difference = std::abs(fast[i] - textbook[i]), allowed = bound(textbook[i], static_cast<int>(i));
    EXPECT_LE(difference, allowed) << "update " << i << ", loss " << textbook[i];
    max_share = std::max(max_share, difference / allowed);
  }
  EXPECT_LT(fast.back(), 0.85 * fast.front()) << "both have learned something by then";
  fmt::print("the APIs differ by {:.3f} of a bound of {:.1e} to {:.1e}\n", max_share, bound(textbook.front(), 0),
             bound(textbook.back(), updates - 1));
}

}  // namespace
}  // namespace unroll
