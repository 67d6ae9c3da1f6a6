#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "device/every_target.h"
#include "io/temporary_folder.h"
#include "language/model_fixtures.h"
#include "support/threads.h"
#include "unroll/language_task.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

/// Contents of the model file after 20 steps. The sizes are large enough that sequences, products and the loss are
/// divided among 8 threads.
std::string trained(const LanguageModelOptions& options, int threads, std::uint64_t seed = 1) {
  constexpr int symbols = 320, batch = 24, steps = 10;
  const Corpus corpus =
      Corpus::from_ids(test::pseudo_random_ids(20 * batch * steps + batch, symbols), test::letters(symbols));
  Context context({.seed = seed, .threads = threads});
  EXPECT_TRUE(test::all_threads_take_part(context));
  EXPECT_EQ(context.threads_seen(), threads);
  LanguageModel model(context, corpus.vocabulary(), options);
  Adam optimizer(model.parameters(), {.learning_rate = 1e-2f});
  LanguageTask task(model, corpus, {.batch = batch, .window = steps});
  EXPECT_EQ(task.batches_per_epoch(), 20);
  Trainer(task, optimizer, {.epochs = 1, .clip_norm = 0.1f}).run();
  const TemporaryFolder folder;
  model.save(folder.path("model.safetensors"));
  return folder.contents("model.safetensors");
}

void expect_same_bits(const LanguageModelOptions& options) {
  test::on_every_target([&] {
    const std::string alone = trained(options, 1);
    EXPECT_TRUE(trained(options, 1) == alone) << "twice the same";
    for (const int threads : {2, 3, 8}) {
      EXPECT_TRUE(trained(options, threads) == alone) << threads << " threads";
    }
    fmt::print("{}: {} bytes with 1, 2, 3 and 8 threads\n", simd_target(), alone.size());
  });
}

TEST(SameBits, ForAnyNumberOfThreadsRnn) { expect_same_bits({.cell = CellType::rnn, .hidden = 136}); }
TEST(SameBits, ForAnyNumberOfThreadsGru) { expect_same_bits({.cell = CellType::gru, .hidden = 80}); }
TEST(SameBits, ForAnyNumberOfThreadsLstm) { expect_same_bits({.cell = CellType::lstm, .hidden = 72}); }
TEST(SameBits, ForAnyNumberOfThreadsWithEmbeddingLayersAndDropout) {
  expect_same_bits({.cell = CellType::lstm, .hidden = 72, .layers = 2, .embedding = 40, .dropout = 0.3f});
}
TEST(SameBits, ForAnyNumberOfThreadsWithATiedWeight) {
  expect_same_bits({.cell = CellType::rnn, .hidden = 136, .embedding = 136, .tied = true});
}

// In a step this small, waking a thread costs more time than it saves.
TEST(SmallNet, UsesOneThreadHoweverManyThereAre) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    Context context({.seed = 1, .threads = 8});
    const Corpus corpus = Corpus::from_ids(test::pseudo_random_ids(1000, 65), test::letters(65));
    LanguageModel model(context, corpus.vocabulary(), {.cell = cell, .hidden = 32});
    Adam optimizer(model.parameters(), {.learning_rate = 1e-2f});
    LanguageTask task(model, corpus, {.batch = 4, .window = 35});
    Trainer(task, optimizer, {.epochs = 1, .clip_norm = 0.1f}).run();
    EXPECT_EQ(context.threads_seen(), 1);
  }
}

TEST(SameBits, AnotherSeedGivesAnotherModel) { EXPECT_NE(trained({.hidden = 8}, 1, 1), trained({.hidden = 8}, 1, 2)); }

}  // namespace
}  // namespace unroll
