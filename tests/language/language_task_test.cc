#include "unroll/language_task.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "language/model_fixtures.h"
#include "unroll/error.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

using test::letters;
using test::pseudo_random_ids;
using ::testing::HasSubstr;

constexpr int symbols = 7;

Corpus corpus_of(int length) { return Corpus::from_ids(pseudo_random_ids(length, symbols), letters(symbols)); }

std::vector<float> gradients_of(const Parameters& parameters) { return gradients_on_host(parameters); }

TEST(LanguageTask, GivesTheLossAndTheGradientsOfItsWindow) {
  Context context;
  const Corpus corpus = corpus_of(200);
  LanguageModel model(context, letters(symbols), {.cell = CellType::lstm, .hidden = 5});
  LanguageTask task(model, corpus, {.batch = 3, .window = 4});
  task.begin_epoch(1);
  const Windows windows(WindowKind::consecutive, corpus.ids(), 3, 4, context.seed());
  ASSERT_EQ(task.batches_per_epoch(), windows.batches());
  RecurrentState state = model.zero_state(3);
  for (std::int64_t step = 0; step < 3; ++step) {
    model.parameters().zero_gradients();
    const LossSum loss = task.forward_backward(step);
    const std::vector<float> gradients = gradients_of(model.parameters());
    const Batch batch = windows.batch(step);
    const Var expected = model.loss(batch.ids, batch.targets, state);
    state = state.detach();
    model.parameters().zero_gradients();
    expected.backward();
    EXPECT_EQ(loss.count, 12);
    EXPECT_EQ(loss.sum, 12 * static_cast<double>(expected.item()));
    EXPECT_EQ(gradients, gradients_of(model.parameters())) << "the state goes on, its history does not";
  }
}

/// Losses of `epochs` epochs without updates.
std::vector<double> losses(Context& context, const LanguageTaskOptions& options, int epochs, float dropout = 0) {
  const Corpus corpus = corpus_of(100);
  LanguageModel model(context, letters(symbols), {.hidden = 5, .layers = 2, .dropout = dropout});
  LanguageTask task(model, corpus, options);
  std::vector<double> result;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    task.begin_epoch(epoch);
    for (std::int64_t step = 0; step < task.batches_per_epoch(); ++step)
      result.push_back(task.forward_backward(step).sum);
  }
  return result;
}

TEST(LanguageTask, TheStateIsZeroAtAnEpochsStartOrCarriedOverIt) {
  Context context({.seed = 2});
  const std::vector<double> zero = losses(context, {.batch = 2, .window = 8}, 2);
  const std::vector<double> carried = losses(context, {.batch = 2, .window = 8, .epoch_state = EpochState::carry}, 2);
  const std::size_t half = zero.size() / 2;
  const auto part = [&](const std::vector<double>& all, std::size_t begin) {
    return std::vector<double>(all.begin() + static_cast<std::ptrdiff_t>(begin),
                               all.begin() + static_cast<std::ptrdiff_t>(begin + half));
  };
  EXPECT_EQ(part(zero, 0), part(zero, half));
  EXPECT_EQ(part(carried, 0), part(zero, 0));
  EXPECT_NE(carried[half], zero[half]);
}

TEST(LanguageTask, RandomWindowsBeginWithAZeroStateEach) {
  Context context({.seed = 2});
  const Corpus corpus = corpus_of(100);
  const LanguageTaskOptions options{.windows = WindowKind::random, .batch = 2, .window = 8};
  LanguageModel model(context, letters(symbols), {.hidden = 5, .layers = 2});
  Windows windows(WindowKind::random, corpus.ids(), 2, 8, 2);
  std::vector<double> expected;
  for (const int epoch : {1, 2}) {
    windows.begin_epoch(epoch);
    for (const Batch& batch : windows) {
      RecurrentState state = model.zero_state(2);
      expected.push_back(16 * static_cast<double>(model.loss(batch.ids, batch.targets, state).item()));
    }
  }
  EXPECT_EQ(losses(context, options, 2), expected);
  LanguageTaskOptions carry = options;
  carry.epoch_state = EpochState::carry;
  EXPECT_EQ(losses(context, carry, 2), expected) << "there is nothing to carry on";
}

TEST(LanguageTask, DropsOtherUnitsInEachStepOfAllEpochs) {
  Context context({.seed = 4}), same({.seed = 4}), other({.seed = 5});
  const LanguageTaskOptions options{.batch = 2, .window = 8};
  const std::vector<double> first = losses(context, options, 2, 0.5f);
  EXPECT_EQ(losses(same, options, 2, 0.5f), first);
  EXPECT_NE(losses(context, options, 2), first);
  EXPECT_NE(first[0], first[first.size() / 2]) << "the same window in the next epoch";
  EXPECT_NE(losses(other, options, 2, 0.5f), first);
}

TEST(LanguageTask, NamesACorpusThatDoesNotFit) {
  Context context;
  LanguageModel model(context, letters(symbols), {.hidden = 5});
  const auto refused = [&](const Corpus& corpus, const LanguageTaskOptions& options) -> std::string {
    try {
      LanguageTask(model, corpus, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refused(Corpus::from_text("xyzxyzxyzxyz"), {.batch = 1, .window = 2}),
              HasSubstr("another vocabulary (3 symbols)"));
  std::vector<std::string> shuffled = {"b", "a", "c", "d", "e", "f", "g"};
  const Tokenizer renumbered = Tokenizer::from(TokenUnit::character, shuffled, {1, 1, 1, 1, 1, 1, 1});
  EXPECT_THAT(refused(Corpus::from_ids(pseudo_random_ids(90, symbols), renumbered), {.batch = 1, .window = 2}),
              HasSubstr("another vocabulary"));
  EXPECT_THAT(refused(corpus_of(30), {.batch = 32, .window = 35}), HasSubstr("1152"));  // 32 streams of 35 + 1 symbols
  EXPECT_EQ(refused(corpus_of(90), {.batch = 2, .window = 3}), "accepted");
}

TEST(LanguageTask, StopsWithTheStepsNumberWhereTheLearningRateIsAbsurd) {
  Context context;
  const Corpus corpus = corpus_of(400);
  LanguageModel model(context, letters(symbols), {.activation = Activation::relu, .hidden = 16});
  Sgd optimizer(model.parameters(), {.learning_rate = 1e30f});
  LanguageTask task(model, corpus, {.batch = 2, .window = 8});
  Trainer trainer(task, optimizer, {.epochs = 3});
  std::int64_t good_steps = 0;
  trainer.on_step([&](const StepReport&) { ++good_steps; });
  try {
    trainer.run();
    FAIL() << "training went on";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::diverged);
    EXPECT_THAT(error.what(), HasSubstr(fmt::format("epoch 1, step {}: ", good_steps + 1)));
  }
  EXPECT_LT(good_steps, 10);
}

TEST(LanguageTask, AddsTheGradientsOfBatches) {
  Context context;
  const Corpus corpus = corpus_of(200);
  LanguageModel model(context, letters(symbols), {.hidden = 5});
  LanguageTask task(model, corpus, {.windows = WindowKind::random, .batch = 3, .window = 4});
  task.begin_epoch(1);
  task.forward_backward(0);
  std::vector<float> expected = gradients_of(model.parameters());
  model.parameters().zero_gradients();
  task.forward_backward(1);
  const std::vector<float> second = gradients_of(model.parameters());
  model.parameters().zero_gradients();
  task.forward_backward(0);
  task.forward_backward(1);
  const std::vector<float> both = gradients_of(model.parameters());
  for (std::size_t i = 0; i < both.size(); ++i) EXPECT_NEAR(both[i], expected[i] + second[i], 1e-6f);
}

TEST(LanguageTask, ScoresTheHeldOutText) {
  Context context;
  const Corpus corpus = corpus_of(200);
  const std::vector<std::int32_t> held_out = pseudo_random_ids(33, symbols);
  LanguageModel model(context, letters(symbols), {.hidden = 5});
  EXPECT_FALSE(LanguageTask(model, corpus, {.batch = 3, .window = 4}).has_validation());
  LanguageTask task(model, corpus, {.batch = 3, .window = 4}, held_out);
  ASSERT_TRUE(task.has_validation());
  const LossSum loss = task.validation_loss();
  EXPECT_EQ(loss.count, 32);
  EXPECT_EQ(loss.sum, model.score(held_out).cross_entropy_sum);
  const std::vector<std::int32_t> single = {1};
  EXPECT_THROW(LanguageTask(model, corpus, {.batch = 3, .window = 4}, single), Error);
}

TEST(LanguageTask, LearnsASmallTextByHeart) {
  const Corpus corpus = Corpus::from_text(
      "the tide comes in, the tide goes out, and what it leaves is what we talk about; the moon is late, the lamp is "
      "low, "
      "and nobody has told the sea to slow.");
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    Context context({.seed = 1, .threads = 1});
    LanguageModel model(context, corpus.vocabulary(), {.cell = cell, .hidden = 48});
    Adam optimizer(model.parameters(), {.learning_rate = 1e-2f});
    LanguageTask task(model, corpus, {.batch = 4, .window = 12});
    Trainer trainer(task, optimizer, {.epochs = 80, .clip_norm = 1});
    std::vector<double> perplexity;
    trainer.on_epoch([&](const EpochReport& report) { perplexity.push_back(report.perplexity); });
    trainer.run();
    EXPECT_GT(perplexity.front(), 5) << static_cast<int>(cell);
    EXPECT_LT(perplexity.back(), 1.1) << static_cast<int>(cell);
    fmt::print("cell {}: perplexity {:.3f}, then {:.4f}\n", static_cast<int>(cell), perplexity.front(),
               perplexity.back());
  }
}

}  // namespace
}  // namespace unroll
