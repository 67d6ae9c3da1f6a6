#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "io/temporary_folder.h"
#include "language/model_fixtures.h"
#include "unroll/language_task.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

/// Peak memory of this process so far in MB: VmHWM of Linux.
double peak_megabytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) * 1024 / 1e6;
  }
  ADD_FAILURE() << "no VmHWM in /proc/self/status";
  return 0;
}

/// Parameters take 205 MB, and gradients as much. All logits at once, or a second copy of the model for writing, would
/// take about 200 MB more.
TEST(PeakMemory, TrainingAndSavingFiftyThousandSymbolsTakesUnder700Megabytes) {
  constexpr int symbols = 50'000, batch = 32, steps = 35;
  const Corpus corpus = Corpus::from_ids(test::pseudo_random_ids(batch * (steps + 1), symbols), test::letters(symbols));
  Context context({.seed = 1});
  LanguageModel model(context, corpus.vocabulary(), {.hidden = 512});
  LanguageTask task(model, corpus, {.batch = batch, .window = steps});
  Sgd optimizer(model.parameters(), {.learning_rate = 0.1f});
  Trainer(task, optimizer, {.epochs = 2, .clip_norm = 1}).run();
  const TemporaryFolder folder;
  model.save(folder.path("model.safetensors"));
  fmt::print("peak {:.0f} MB\n", peak_megabytes());
  EXPECT_LT(peak_megabytes(), 700);
}

}  // namespace
}  // namespace unroll
