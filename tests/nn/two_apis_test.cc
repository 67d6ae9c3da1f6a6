#include <gtest/gtest.h>

#include "nn/support.h"
#include "unroll/layers.h"
#include "unroll/optimizers.h"

// The same seed trains the same network through both APIs: the recurrence composed of tensor operations, and the fused
// operations.

namespace unroll {
namespace {

constexpr int symbols = 60, hidden = 48, batch = 8, steps = 12, training_steps = 20;

class TwoApis : public EachDevice {
 protected:
  Ids ids = uniform_ids(steps, batch, symbols, 1), targets = uniform_ids(steps, batch, symbols, 2);

  /// Losses of the textbook's training run on one batch, the state carried over. `loss_of` replaces the state h [B, H].
  template <class LossOf>
  std::vector<float> train(Parameters& p, const LossOf& loss_of) {
    std::vector<float> losses;
    Var h = zeros(context, {batch, hidden});
    for (int step = 0; step < training_steps; ++step) {
      h = h.detach();
      const Var loss = loss_of(h);
      p.zero_gradients();
      loss.backward();
      losses.push_back(loss.item());
      clip_by_global_norm(p, 1e-2f);
      sgd(p, 1e2f);
    }
    return losses;
  }

  /// `noise`: relative change of the initial parameters, with the random signs of `stream`.
  std::vector<float> textbook(double noise, std::uint32_t stream) {
    Parameters p(context);
    const Normal normal{0, 0.01f};
    const Var W_xh = p.add("W_xh", {symbols, hidden}, normal), W_hh = p.add("W_hh", {hidden, hidden}, normal),
              b_h = p.add("b_h", {hidden}), W_hq = p.add("W_hq", {hidden, symbols}, normal),
              b_q = p.add("b_q", {symbols});
    const std::vector<std::int32_t> signs = uniform_ids(static_cast<std::size_t>(p.size()), 2, stream);
    edit_values(p, [&](std::span<float> values) {
      for (std::size_t i = 0; i < signs.size(); ++i) {
        values[i] = static_cast<float>(static_cast<double>(values[i]) * (1 + noise * (2 * signs[i] - 1)));
      }
    });
    return train(p, [&](Var& h) {
      std::vector<Var> outputs;
      for (int t = 0; t < steps; ++t) {
        h = tanh(matmul(one_hot(ids[t], symbols), W_xh) + matmul(h, W_hh) + b_h);
        outputs.push_back(matmul(h, W_hq) + b_q);
      }
      return cross_entropy(concat(outputs), targets);
    });
  }

  std::vector<float> fast() {
    Parameters p(context);
    const Normal normal{0, 0.01f};
    const Recurrent rnn(p, "rnn", symbols, {.hidden = hidden, .biases = Biases::one}, normal, Zero{});
    const Linear decoder(p, "decoder", hidden, symbols, normal, Zero{});
    return train(p, [&](Var& h) {
      const auto result = rnn(ids, {reshape(h, {1, batch, hidden}), {}});
      h = reshape(result.state.h, {batch, hidden});
      return linear_cross_entropy(result.output, decoder, targets);
    });
  }
};
UNROLL_EACH_DEVICE(TwoApis);

/// The two runs round differently, in each pass by at most the length of the longest sum in unit roundoffs. How much
/// such a difference grows in training depends on its direction: it is measured by changing the initial parameters by
/// it with eight sets of random signs, and the worst counts. The factor of four covers the new roundings in each step.
TEST_P(TwoApis, GiveTheSameLosses) {
  const double rounding = (hidden + 3) * unit_roundoff;
  const std::vector<float> exact = textbook(0, 0), other = fast();
  std::vector<std::vector<float>> changed;
  for (std::uint32_t stream = 0; stream < 8; ++stream) changed.push_back(textbook(rounding, stream));
  EXPECT_LT(exact.back(), exact.front() - 0.05f);  // it learns
  double grown = rounding * static_cast<double>(exact.front());
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const auto distance = [&](const std::vector<float>& run) {
      return std::abs(static_cast<double>(run[i]) - static_cast<double>(exact[i]));
    };
    for (const auto& run : changed) grown = std::max(grown, distance(run));
    expect_within(fmt::format("loss of step {}", i + 1), distance(other), 4 * grown);
  }
}

}  // namespace
}  // namespace unroll
