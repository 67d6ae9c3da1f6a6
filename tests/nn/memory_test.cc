#include <gtest/gtest.h>

#include "nn/support.h"
#include "unroll/layers.h"
#include "unroll/optimizers.h"

// Tasks that a recurrent network must learn within a fixed number of steps, and that a network without memory cannot
// learn.

namespace unroll {
namespace {

/// Whether, and how, the network's memory is removed.
enum class Memory { intact, no_recurrent_weights, one_step_windows };

struct Problem {
  std::string name;
  int symbols = 0;                                                       // size of the input alphabet
  std::function<void(std::uint32_t step, Ids& ids, Ids& targets)> draw;  // fills one batch
  int steps = 0, first_scored = 0;                                       // targets before first_scored are ignored
  double memoryless = 0;  // lowest loss of a network without memory, in nats
};

constexpr int batch = 32;

/// The input is one of two symbols, then blanks; the last target is that symbol. Without memory the loss is log 2.
Problem impulse_task() {
  static constexpr int delay = 7;
  return {"impulse",
          3,
          [](std::uint32_t step, Ids& ids, Ids& targets) {
            const auto bits = uniform_ids(batch, 2, step);
            std::fill(ids.flat().begin(), ids.flat().end(), 2);
            std::fill(targets.flat().begin(), targets.flat().end(), 0);
            std::copy(bits.begin(), bits.end(), ids[0].begin());
            std::copy(bits.begin(), bits.end(), targets[delay].begin());
          },
          delay + 1,
          delay,
          std::log(2.0)};
}

/// The input is three symbols out of four, then blanks; the targets at the blanks are these symbols in order. Without
/// memory the loss is log 4.
Problem copy_task() {
  static constexpr int alphabet = 4, length = 3, blank = alphabet;
  return {"copy",
          alphabet + 1,
          [](std::uint32_t step, Ids& ids, Ids& targets) {
            const auto word = uniform_ids(batch * length, alphabet, step);
            std::fill(ids.flat().begin(), ids.flat().end(), blank);
            std::fill(targets.flat().begin(), targets.flat().end(), 0);
            std::copy(word.begin(), word.end(), ids.flat().begin());
            std::copy(word.begin(), word.end(), targets.flat().begin() + length * batch);
          },
          2 * length,
          length,
          std::log(4.0)};
}

class MemoryTask : public testing::TestWithParam<CellType> {
 protected:
  /// Mean loss over the last 5 % of `budget` training steps.
  static double final_loss(const Problem& task, CellType cell, Memory memory, std::uint32_t budget) {
    constexpr int hidden = 32;
    Context context({.seed = 1, .threads = 1});
    Parameters p(context);
    const Recurrent rnn(p, "rnn", task.symbols, {.cell = cell, .hidden = hidden});
    const Linear linear(p, "decoder", hidden, task.symbols);
    const auto* recurrent_weights = p.find("rnn.weight_hh_l0");
    const auto frozen_size = static_cast<std::size_t>(recurrent_weights->var.shape().size());
    const auto frozen = [&](std::span<float> block) {
      return block.subspan(static_cast<std::size_t>(recurrent_weights->offset), frozen_size);
    };
    const auto clear = [](std::span<float> block) {
      edit_on_host(block, [](std::span<float> values) { std::ranges::fill(values, 0.0f); });
    };
    if (memory == Memory::no_recurrent_weights) clear(frozen(values_on_device(p)));
    Adam adam(p, {.learning_rate = 0.01f});
    Mean last;
    for (std::uint32_t step = 0; step < budget; ++step) {
      Ids ids(task.steps, batch), targets(task.steps, batch);
      task.draw(step, ids, targets);
      const Var output = memory == Memory::one_step_windows ? step_by_step(rnn, ids) : rnn(ids).output;
      const Var logits = linear(slice(output, task.first_scored, task.steps));
      const Var loss =
          cross_entropy(logits, targets.flat().subspan(static_cast<std::size_t>(task.first_scored) * batch));
      p.zero_gradients();
      loss.backward();
      if (memory == Memory::no_recurrent_weights) clear(frozen(gradients_on_device(p)));
      clip_by_global_norm(p, 1);
      adam.step();
      if (step >= budget - budget / 20) last.add(static_cast<double>(loss.item()));
    }
    return last.value();
  }

  /// Runs every step from a zero state.
  static Var step_by_step(const Recurrent& rnn, const Ids& ids) {
    std::vector<Var> outputs;
    for (int t = 0; t < ids.steps(); ++t) {
      Ids one(1, ids.batch());
      std::copy(ids[t].begin(), ids[t].end(), one.flat().begin());
      outputs.push_back(rnn(one).output);
    }
    return concat(outputs);
  }

  void expect_memory(const Problem& task, std::uint32_t budget) const {
    const auto run = [&](Memory memory) { return final_loss(task, GetParam(), memory, budget); };
    const double intact = run(Memory::intact), cut = run(Memory::one_step_windows);
    fmt::print("  {}: loss {:.4f} with memory, {:.4f} without; chance is {:.4f}\n", task.name, intact, cut,
               task.memoryless);
    EXPECT_LT(intact, task.memoryless / 10);
    EXPECT_GT(cut, task.memoryless * 0.9);
    // The gates of GRU and LSTM carry state without W_hh.
    if (GetParam() == CellType::rnn) {
      const double frozen = run(Memory::no_recurrent_weights);
      fmt::print("  {}: loss {:.4f} with W_hh kept at zero\n", task.name, frozen);
      EXPECT_GT(frozen, task.memoryless * 0.9);
    }
  }
};

TEST_P(MemoryTask, Impulse) { expect_memory(impulse_task(), 400); }
TEST_P(MemoryTask, Copy) { expect_memory(copy_task(), 600); }

INSTANTIATE_TEST_SUITE_P(Cells, MemoryTask, testing::Values(CellType::rnn, CellType::gru, CellType::lstm),
                         [](const auto& test) {
                           return test.param == CellType::rnn ? "rnn" : test.param == CellType::gru ? "gru" : "lstm";
                         });

}  // namespace
}  // namespace unroll
