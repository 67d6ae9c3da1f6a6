#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <string>
#include <vector>

#include "io/temporary_folder.h"
#include "language/model_fixtures.h"
#include "language/own_cells.h"
#include "ranks/thread_ranks.h"
#include "train/gradient_sum.h"
#include "unroll/language_task.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int symbols = 40, steps = 7;

struct Plan {
  LanguageModelOptions model = {.hidden = 24};
  LanguageTaskOptions task = {.batch = 12, .window = steps};
  TrainerOptions trainer = {.epochs = 2, .shards = 4, .clip_norm = 0.1f};
  std::int64_t updates = 1000;  // stops after this number of updates
  int threads = 1;              // per rank
};

Corpus text() { return Corpus::from_ids(test::pseudo_random_ids(2500, symbols), test::letters(symbols)); }

/// One rank's part of a training.
class SharedRun {
 public:
  SharedRun(const Plan& plan, const Corpus& corpus, std::span<const std::int32_t> held_out, Communicator& ranks)
      : plan_(plan),
        context_({.seed = 1, .threads = plan.threads}),
        model_(context_, corpus.vocabulary(), plan.model),
        task_(model_, corpus, plan.task, held_out),
        optimizer_(model_.parameters(), {.learning_rate = 1e-2f}),
        trainer_(task_, optimizer_, plan.trainer, ranks),
        ranks_(ranks) {
    trainer_.on_step([this](const StepReport& report) {
      said += fmt::format("{} {} {}\n", report.update, report.loss, report.gradient_norm);
      if (report.update == plan_.updates) trainer_.stop();
    });
    trainer_.on_validation(
        [this](const ValidationReport& v) { said += fmt::format("validation {} {}\n", v.loss, v.best); });
  }
  Trainer& trainer() { return trainer_; }
  void train() { trainer_.run(); }
  void restore(const std::string& path) { trainer_.restore_checkpoint(path); }
  std::vector<float> parameters() { return values_on_host(model_.parameters()); }
  void save(const std::string& path) {
    trainer_.gather_state();
    if (ranks_.rank() == 0) trainer_.save_checkpoint(path);
  }

  std::string said;

 private:
  Plan plan_;
  Context context_;
  LanguageModel model_;
  LanguageTask task_;
  Adam optimizer_;
  Trainer trainer_;
  Communicator& ranks_;
};

struct Result {
  std::string said, checkpoint;
};

/// Losses and norms of a training as text, and its checkpoint without the elapsed time.
Result trained(const Plan& plan, int ranks, const std::string& resume_from = {}, const std::string& save_to = {}) {
  const Corpus corpus = text();
  const std::vector<std::int32_t> held_out = test::pseudo_random_ids(9000, symbols, 7);
  const TemporaryFolder folder;
  std::mutex mutex;
  std::vector<std::string> said;
  std::vector<std::vector<float>> parameters;
  run_on_thread_ranks(ranks, [&](Communicator& communicator) {
    SharedRun run(plan, corpus, held_out, communicator);
    if (!resume_from.empty()) run.restore(resume_from);
    run.train();
    for (int again = 0; again < 2; ++again) run.save(save_to.empty() ? folder.path("checkpoint") : save_to);
    const std::lock_guard lock(mutex);
    said.push_back(run.said);
    parameters.push_back(run.parameters());
  });
  for (const std::string& text : said) EXPECT_EQ(text, said.front()) << "all ranks know the same";
  for (const auto& values : parameters) EXPECT_TRUE(values == parameters.front()) << "replicas are alike";
  std::string checkpoint = save_to.empty() ? folder.contents("checkpoint") : std::string();
  if (const std::size_t at = checkpoint.find("epoch_seconds"); at != std::string::npos) checkpoint.erase(at, 60);
  // Without the header, whose checksum covers the elapsed time.
  return {said.front(), checkpoint.empty() ? checkpoint : checkpoint.substr(checkpoint.find("}}") + 2)};
}

void expect_same_bits(const Plan& plan) {
  const Result one = trained(plan, 1);
  EXPECT_FALSE(one.checkpoint.empty());
  for (const int ranks : {2, 3, 4}) {
    Plan of_many = plan;
    of_many.threads = ranks == 2 ? 2 : 1;
    const Result many = trained(of_many, ranks);
    EXPECT_EQ(many.said, one.said) << ranks << " ranks";
    EXPECT_TRUE(many.checkpoint == one.checkpoint) << ranks << " ranks";
  }
}

TEST(Ranks, LeaveTheBitsOfOneRnn) { expect_same_bits({.model = {.cell = CellType::rnn, .hidden = 24}}); }
TEST(Ranks, LeaveTheBitsOfOneGru) { expect_same_bits({.model = {.cell = CellType::gru, .hidden = 24}}); }
TEST(Ranks, LeaveTheBitsOfOneLstmWithLayersEmbeddingAndDropout) {
  expect_same_bits({.model = {.cell = CellType::lstm, .hidden = 24, .layers = 3, .embedding = 10, .dropout = 0.3f}});
}
TEST(Ranks, LeaveTheBitsOfOneWithDropout) {
  expect_same_bits({.model = {.cell = CellType::gru, .hidden = 9, .layers = 2, .dropout = 0.3f}});
}
TEST(Ranks, LeaveTheBitsOfOneWithACellOfYourOwn) {
  expect_same_bits({.model = {.cell = make_cell<test::MinimalGru>("own"), .hidden = 9, .layers = 2, .dropout = 0.3f}});
}
TEST(Ranks, LeaveTheBitsOfOneWithRandomWindowsAndATiedWeight) {
  expect_same_bits({.model = {.cell = CellType::rnn, .hidden = 24, .embedding = 24, .tied = true},
                    .task = {.windows = WindowKind::random, .batch = 12, .window = steps}});
}
TEST(Ranks, LeaveTheBitsOfOneWithACarriedStateAndAccumulation) {
  expect_same_bits({.model = {.cell = CellType::lstm, .hidden = 24},
                    .task = {.batch = 12, .window = steps, .epoch_state = EpochState::carry},
                    .trainer = {.epochs = 2, .accumulate = 3, .shards = 4, .clip_value = 0.01f}});
}
TEST(Ranks, LeaveTheBitsOfOneWithSlicesOfUnequalSize) {
  expect_same_bits({.task = {.batch = 11, .window = steps}, .trainer = {.epochs = 2, .shards = 7}});
}
TEST(Ranks, LeaveTheBitsOfOneWithValidationInTheMiddle) {
  expect_same_bits({.trainer = {.epochs = 2,
                                .shards = 5,
                                .schedule = {.kind = ScheduleKind::plateau, .decay = 0.5, .patience = 0},
                                .validate_every = 7}});
}

TEST(Ranks, TimesThreadsLeaveTheSameBits) {
  const Plan plan{.model = {.cell = CellType::lstm, .hidden = 40, .layers = 2, .dropout = 0.2f}};
  const Result one = trained(plan, 1);
  for (int ranks = 1; ranks <= 4; ++ranks) {
    for (int threads = 1; threads <= 3; ++threads) {
      Plan of_many = plan;
      of_many.threads = threads;
      const Result many = trained(of_many, ranks);
      EXPECT_EQ(many.said, one.said) << ranks << " ranks of " << threads << " threads";
      EXPECT_TRUE(many.checkpoint == one.checkpoint) << ranks << " ranks of " << threads << " threads";
    }
  }
}

TEST(Ranks, StopTogetherWhereOneIsAskedTo) {
  const Corpus corpus = text();
  std::mutex mutex;
  std::vector<std::int64_t> updates;
  run_on_thread_ranks(3, [&](Communicator& ranks) {
    SharedRun run({}, corpus, {}, ranks);
    int steps_done = 0;
    run.trainer().stop_when([&] { return ++steps_done == 5 && ranks.rank() == 1; });
    run.train();
    const std::lock_guard lock(mutex);
    updates.push_back(run.trainer().updates());
  });
  EXPECT_THAT(updates, ElementsAre(5, 5, 5));
}

TEST(Ranks, GoOnFromThreeToTwoAsIfNothingHadHappened) {
  for (const WindowKind windows : {WindowKind::consecutive, WindowKind::random}) {
    Plan plan{.model = {.cell = CellType::lstm, .hidden = 16, .layers = 2, .dropout = 0.2f},
              .task = {.windows = windows, .batch = 12, .window = steps}};
    const Result whole = trained(plan, 1);
    const TemporaryFolder folder;
    plan.updates = 20;
    trained(plan, 3, {}, folder.path("first"));
    plan.updates = 1000;
    const Result rest = trained(plan, 2, folder.path("first"));
    EXPECT_TRUE(rest.checkpoint == whole.checkpoint);
    EXPECT_THAT(whole.said, ::testing::EndsWith(rest.said));
  }
}

TEST(Ranks, EveryShardHasExactlyOneOwner) {
  for (int shards = 1; shards <= 12; ++shards) {
    for (int ranks = 1; ranks <= shards; ++ranks) {
      std::int64_t next = 0;
      for (int rank = 0; rank < ranks; ++rank) {
        const Range range = shards_of_rank(rank, ranks, shards);
        EXPECT_EQ(range.first, next);
        EXPECT_TRUE(range.count == shards / ranks || range.count == shards / ranks + 1);
        next += range.count;
      }
      EXPECT_EQ(next, shards);
    }
  }
}

/// A task whose summed gradients depend on the order of summation.
class OrderSensitiveTask final : public Task {
 public:
  explicit OrderSensitiveTask(Context& context) : parameters_(context) { parameters_.add("a", {3}); }
  Parameters& parameters() override { return parameters_; }
  std::int64_t batches_per_epoch() const override { return 1; }
  void begin_epoch(std::int64_t) override {}
  int max_shards() const override { return 8; }
  LossSum forward_backward(std::int64_t, Shard shard) override {
    // 1, then numbers that are lost if they are added to 1 one at a time, but not if they are added to each other
    // first.
    const float value = shard.index == 0 ? 1.0f : 0x1p-24f;
    edit_on_host(gradients_on_device(parameters_), [&](std::span<float> gradients) {
      for (float& gradient : gradients) gradient += value;
    });
    return {1, 1};
  }
  void visit_state(StateVisitor&) override {}

 private:
  Parameters parameters_;
};

TEST(GradientSum, IsThatOfTheTree) {
  for (const int ranks : {1, 2, 3, 4, 5}) {
    run_on_thread_ranks(ranks, [&](Communicator& communicator) {
      Context context({.threads = 1});
      OrderSensitiveTask task(context);
      GradientSum sum(task, communicator, 5);
      const LossSum loss = sum.sum_batches(0, 1);
      EXPECT_EQ(loss.sum, 5);
      EXPECT_EQ(loss.count, 5);
      // ((1 + e) + (e + e)) + e: the first e is lost, the two in the middle are not, and the last one is rounded up.
      EXPECT_THAT(gradients_on_host(task.parameters()), ::testing::Each(1.0f + 0x1p-22f)) << ranks << " ranks";
    });
  }
}

/// Counts the all-to-all exchanges of another communicator.
class Counting final : public Communicator {
 public:
  explicit Counting(Communicator& ranks) : ranks_(ranks) {}
  int rank() const override { return ranks_.rank(); }
  int size() const override { return ranks_.size(); }
  void all_to_all(std::span<const Message> out, std::span<const Memory> in) override {
    ++exchanges;
    ranks_.all_to_all(out, in);
  }

  int exchanges = 0;

 private:
  Communicator& ranks_;
};

TEST(GradientSum, OfSeveralBatchesIsExchangedOnce) {
  run_on_thread_ranks(2, [&](Communicator& communicator) {
    Counting counting(communicator);
    Context context({.threads = 1});
    OrderSensitiveTask task(context);
    GradientSum sum(task, counting, 2);
    const LossSum loss = sum.sum_batches(0, 5);
    EXPECT_EQ(loss.count, 10);
    EXPECT_EQ(counting.exchanges, 3) << "losses, parts of sums, sums";
    EXPECT_THAT(gradients_on_host(task.parameters()), ::testing::Each(5.0f + 5 * 0x1p-24f))
        << "batch by batch, each e is lost";
  });
}

TEST(Ranks, MoreThanShardsOrShardsThanRowsAreRefused) {
  const auto message = [](const Plan& plan, int ranks) {
    try {
      trained(plan, ranks);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_EQ(message({.trainer = {.epochs = 1, .shards = 2}}, 3),
            "3 ranks cannot share 2 shards of a batch: take as many shards, or fewer ranks");
  EXPECT_EQ(message({.trainer = {.epochs = 1, .shards = 13}}, 1), "shards is 13; it must be 1 to 12 for this task");
}

}  // namespace
}  // namespace unroll
