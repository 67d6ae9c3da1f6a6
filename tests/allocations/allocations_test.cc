#include <gtest/gtest.h>
#include <malloc.h>
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allocations/counted.h"
#include "language/model_fixtures.h"
#include "support/threads.h"
#include "unroll/language_task.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

using test::allocations;

/// Returns its argument; keeps the compiler from removing an unused allocation.
void* used(void* block) {
  void* volatile seen = block;
  return seen;
}

TEST(Counter, SeesEveryWayToMemory) {
  const std::vector<std::pair<const char*, std::function<void()>>> ways = {
      {"malloc", [] { std::free(used(std::malloc(10))); }},
      {"calloc", [] { std::free(used(std::calloc(2, 10))); }},
      {"realloc", [] { std::free(used(std::realloc(nullptr, 10))); }},
      {"aligned_alloc", [] { std::free(used(std::aligned_alloc(64, 128))); }},
      {"memalign", [] { std::free(used(::memalign(64, 128))); }},
      {"posix_memalign",
       [] {
         void* block = nullptr;
         ASSERT_EQ(::posix_memalign(&block, 64, 128), 0);
         std::free(used(block));
       }},
      {"operator new", [] { ::operator delete(used(::operator new(10))); }},
      {"aligned operator new",
       [] { ::operator delete(used(::operator new(128, std::align_val_t(64))), std::align_val_t(64)); }},
      {"a library", [] { std::free(used(::strdup("text"))); }},
      {"mmap",
       [] {
         void* block = ::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
         ASSERT_NE(block, MAP_FAILED);
         ::munmap(block, 4096);
       }},
  };
  for (const auto& [name, allocate] : ways) {
    const std::int64_t before = allocations();
    allocate();
    EXPECT_EQ(allocations() - before, 1) << name;
  }
}

struct Setup {
  LanguageModelOptions model;
  WindowKind windows = WindowKind::consecutive;
  EpochState epoch_state = EpochState::zero;
  int threads = 1;
  bool adam = false;
};

/// Trains for three epochs and expects no memory allocation after the first step.
void expect_no_allocation(const Setup& setup) {
  constexpr int symbols = 150, batch = 24, steps = 10, steps_per_epoch = 3;
  const Corpus corpus = Corpus::from_ids(test::pseudo_random_ids(steps_per_epoch * batch * steps + batch, symbols),
                                         test::letters(symbols));
  Context context({.seed = 1, .threads = setup.threads});
  ASSERT_TRUE(test::all_threads_take_part(context));
  LanguageModel model(context, corpus.vocabulary(), setup.model);
  std::unique_ptr<Optimizer> optimizer;
  if (setup.adam) {
    optimizer = std::make_unique<Adam>(model.parameters());
  } else {
    optimizer = std::make_unique<Sgd>(model.parameters(), SgdOptions{});
  }
  LanguageTask task(model, corpus,
                    {.windows = setup.windows, .batch = batch, .window = steps, .epoch_state = setup.epoch_state});
  Trainer trainer(task, *optimizer, {.epochs = 3, .clip_norm = 0.1f});
  std::int64_t taken = 0, after_first_step = 0, after_last_step = 0;
  trainer.on_step([&](const StepReport&) {
    if (++taken == 1) after_first_step = allocations();
    after_last_step = allocations();
  });
  trainer.run();
  EXPECT_EQ(taken, 3 * steps_per_epoch);
  EXPECT_EQ(after_last_step - after_first_step, 0);
}

class TrainingStep : public ::testing::TestWithParam<std::pair<const char*, LanguageModelOptions>> {};

TEST_P(TrainingStep, AllocatesNothingAfterTheFirst) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    for (const int threads : {1, 2}) {
      for (const bool adam : {false, true}) {
        SCOPED_TRACE(std::to_string(gate_count(cell)) + " gates, " + std::to_string(threads) + " threads, " +
                     (adam ? "adam" : "sgd"));
        LanguageModelOptions model = GetParam().second;
        model.cell = cell;
        expect_no_allocation({.model = model, .threads = threads, .adam = adam});
        expect_no_allocation({.model = model, .epoch_state = EpochState::carry, .threads = threads, .adam = adam});
        expect_no_allocation({.model = model, .windows = WindowKind::random, .threads = threads, .adam = adam});
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, TrainingStep,
    ::testing::Values(std::pair("one_hot", LanguageModelOptions{.hidden = 72}),
                      std::pair("embedding", LanguageModelOptions{.hidden = 72, .embedding = 40}),
                      std::pair("tied", LanguageModelOptions{.hidden = 72, .embedding = 72, .tied = true}),
                      std::pair("layers_and_dropout",
                                LanguageModelOptions{.hidden = 72, .layers = 2, .embedding = 40, .dropout = 0.3f})),
    [](const auto& test) { return test.param.first; });

}  // namespace
}  // namespace unroll
