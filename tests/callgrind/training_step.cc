#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "base/simd.h"
#include "language/model_fixtures.h"
#include "unroll/language_task.h"
#include "unroll/trainer.h"

// One training step for callgrind to count. Usage: training_step CASE. Prints the SIMD target that it ran on.

/// The function that callgrind counts (--toggle-collect), with a name that is not mangled, and not inlined.
extern "C" [[gnu::noinline]] double counted_training_step(unroll::Task& task, unroll::Optimizer& optimizer,
                                                          std::int64_t step) {
  task.parameters().zero_gradients();
  const unroll::LossSum loss = task.forward_backward(step, {});
  const double norm = unroll::clip_by_global_norm(task.parameters(), 0.01f);
  optimizer.step();
  return loss.sum + norm;
}

namespace unroll {
namespace {

LanguageModelOptions model_of(const std::string& name) {
  constexpr int hidden = 128;
  if (name == "rnn") return {.cell = CellType::rnn, .hidden = hidden};
  if (name == "gru") return {.cell = CellType::gru, .hidden = hidden};
  if (name == "lstm") return {.cell = CellType::lstm, .hidden = hidden};
  return {.cell = CellType::lstm, .hidden = hidden, .layers = 2, .embedding = hidden, .tied = true, .dropout = 0.3f};
}

int run(const std::string& name) {
  constexpr int symbols = 300, batch = 16, steps = 20;
  const Corpus corpus =
      Corpus::from_ids(test::pseudo_random_ids(3 * batch * steps + batch, symbols), test::letters(symbols));
  Context context({.seed = 1, .threads = 1});
  LanguageModel model(context, corpus.vocabulary(), model_of(name));
  LanguageTask task(model, corpus, {.batch = batch, .window = steps});
  std::unique_ptr<Optimizer> optimizer;
  if (name == "deep") {
    optimizer = std::make_unique<Adam>(model.parameters());
  } else {
    optimizer = std::make_unique<Sgd>(model.parameters(), SgdOptions{});
  }
  task.begin_epoch(1);
  // The first step is not counted: only it allocates memory for the pool.
  task.forward_backward(0);
  optimizer->step();
  const double sum = counted_training_step(task, *optimizer, 1);
  fmt::print("{}\n", simd_target());
  return sum > 0 ? 0 : 1;
}

}  // namespace
}  // namespace unroll

int main(int count, char** arguments) { return count == 2 ? unroll::run(arguments[1]) : 2; }
