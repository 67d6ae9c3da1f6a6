#include "unroll/language_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "base/fingerprint.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "language/model_fixtures.h"
#include "ranks/thread_ranks.h"
#include "train/checkpoint.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::int64_t updates_of_run = 12;  // of 4 epochs of 3

/// Asks a run to stop in the callback of an update: it ends after the next one, whose gradients are being summed.
class StopAfter final : public RunObserver {
 public:
  StopAfter(LanguageRun& run, std::int64_t update) : run_(run), update_(update) {}
  void on_step(const StepReport& report) override {
    if (report.update == update_) run_.run().stop();
  }

 private:
  LanguageRun& run_;
  std::int64_t update_;
};

class LanguageRunTest : public ::testing::Test {
 public:
  LanguageRunTest() {
    std::string text;
    for (const std::int32_t id : test::pseudo_random_ids(160, 9)) text += static_cast<char>('a' + id);
    folder_.file("text.txt", text);
  }

  LanguageRunOptions options(const std::string& run = "run") const {
    return {.text = folder_.path("text.txt"),
            .validation = "0.1",
            .model = {.cell = CellType::lstm, .hidden = 6, .layers = 2, .dropout = 0.2f},
            .task = {.batch = 4, .window = 9},
            .epochs = 4,
            .directory = folder_.path(run)};
  }

  std::unique_ptr<LanguageRun> resume(LanguageRunOptions changes = {}, const std::string& run = "run") const {
    changes.resume = folder_.path(run);
    return LanguageRun::create(changes);
  }

  /// Trains until `update`, from 2, and stops there.
  void train_until(std::int64_t update, const LanguageRunOptions& options) const {
    const std::unique_ptr<LanguageRun> run = LanguageRun::create(options);
    run->run().add_observer(std::make_shared<StopAfter>(*run, update - 1));
    EXPECT_EQ(run->train(), StopReason::stopped);
    EXPECT_EQ(run->run().trainer().updates(), update);
  }

  /// The bytes of the model file, as a fingerprint that fits into a message.
  std::string model(const std::string& run = "run") const {
    return hex(fingerprint_of(folder_.contents(run + "/model.safetensors")));
  }
  std::string model_of_whole_run() const {
    LanguageRun::create(options("whole"))->train();
    return model("whole");
  }

  TemporaryFolder folder_;
};

TEST_F(LanguageRunTest, FillsInWhatTheTextAndTheMachineSay) {
  const std::unique_ptr<LanguageRun> run = LanguageRun::create(
      {.text = folder_.path("text.txt"), .task = {.batch = 4, .window = 9}, .directory = folder_.path("run")});
  const LanguageRunOptions& o = run->options();
  EXPECT_EQ(o.epochs, 150) << "the most epochs, of a short text";
  EXPECT_EQ(o.report_every, 15);
  EXPECT_EQ(o.shards, 1);
  EXPECT_EQ(o.optimizer.learning_rate, 0.005f);
  EXPECT_EQ(o.optimizer.clip, 1.0f);
  EXPECT_EQ(o.prefixes.size(), 1u);
  EXPECT_GT(o.checkpoint_every->updates, 0);
  EXPECT_EQ(run->text().size(), 160);
  EXPECT_EQ(run->validation_text().size(), 0);
  EXPECT_GT(run->memory().total(), run->memory().parameters);
  EXPECT_FALSE(std::filesystem::exists(folder_.path("run"))) << "nothing is written before train()";
}

TEST_F(LanguageRunTest, StoppedAfterAnyUpdateAndResumedLeavesTheSameModel) {
  const std::string whole = model_of_whole_run();
  for (std::int64_t stop = 2; stop < updates_of_run; ++stop) {
    const std::string name = "stopped-" + std::to_string(stop);
    train_until(stop, options(name));
    const std::unique_ptr<LanguageRun> run = resume({.threads = 2}, name);
    EXPECT_EQ(run->options().model.hidden, 6) << "of the checkpoint";
    EXPECT_EQ(run->train(), StopReason::finished);
    EXPECT_EQ(model(name), whole) << "stopped after update " << stop;
  }
}

TEST_F(LanguageRunTest, ResumesIfThereIsARun) {
  const std::string whole = model_of_whole_run();
  for (const std::int64_t stop : {5, 9}) {
    const std::unique_ptr<LanguageRun> run = LanguageRun::create(options(), Resume::if_present);
    EXPECT_EQ(run->run().resumed(), stop == 9);
    run->run().add_observer(std::make_shared<StopAfter>(*run, stop));
    run->train();
  }
  EXPECT_EQ(LanguageRun::create(options(), Resume::if_present)->train(), StopReason::finished);
  EXPECT_EQ(model(), whole);
  EXPECT_THAT(message_of([&] { LanguageRun::create(options()); }), HasSubstr("holds a model already"));
  EXPECT_THAT(message_of([&] { LanguageRun::create(options("none"), Resume::required); }), HasSubstr("none"));
}

TEST_F(LanguageRunTest, AResumedRunRefusesWhatWouldChangeItsUpdates) {
  train_until(5, options());
  const auto resume_with = [&](const auto& change) {
    LanguageRunOptions changed;
    change(changed);
    resume(changed);
  };
  const auto refused = [&](const auto& change) { return message_of([&] { resume_with(change); }); };
  EXPECT_THAT(refused([](auto& o) { o.model.hidden = 7; }), AllOf(HasSubstr("hidden 7: "), HasSubstr("with 6;")));
  EXPECT_THAT(refused([](auto& o) { o.optimizer.momentum = 0.5; }), HasSubstr("momentum 0.5: "));
  EXPECT_THAT(refused([&](auto& o) { o.directory = folder_.path("other"); }), HasSubstr("out is for a new run"));
  EXPECT_NO_THROW(resume_with([](auto& o) { o.model.hidden = 6; })) << "the value of the run";
  EXPECT_NO_THROW(resume_with([](auto& o) { o.patience = 2; }));
}

TEST_F(LanguageRunTest, AnotherRateBranchesOffAtOnce) {
  train_until(5, options());
  const auto origin = [&] {
    return StoredCheckpoint::read(folder_.path("run/checkpoint-5.safetensors")).metadata("run");
  };
  EXPECT_THAT(origin(), HasSubstr("\"origin\":0"));
  LanguageRunOptions faster;
  faster.optimizer.learning_rate = 0.02f;
  const std::unique_ptr<LanguageRun> run = resume(faster);
  EXPECT_EQ(run->run().trainer().learning_rate(), static_cast<double>(0.02f));
  run->run().add_observer(std::make_shared<StopAfter>(*run, 6));
  run->train();
  EXPECT_THAT(origin(), HasSubstr("\"origin\":5")) << "a checkpoint of the branch, to which rollbacks may return";
}

TEST_F(LanguageRunTest, MoreEpochsFollowTheFinishedOnes) {
  LanguageRun::create(options())->train();
  const std::unique_ptr<LanguageRun> run = resume({.extend_epochs = 2});
  EXPECT_TRUE(run->run().resumed());
  EXPECT_EQ(run->train(), StopReason::finished);
  EXPECT_EQ(run->run().last_epoch().epoch, 6);
  EXPECT_EQ(run->run().trainer().updates(), updates_of_run / 4 * 6);
}

TEST_F(LanguageRunTest, KeepsATextOfMemoryForTheResumedRun) {
  const std::string whole = model_of_whole_run();
  LanguageRunOptions in_memory = options();
  const std::unique_ptr<LanguageRun> run =
      LanguageRun::create(in_memory, Corpus::read(std::exchange(in_memory.text, {})));
  run->run().add_observer(std::make_shared<StopAfter>(*run, 7));
  EXPECT_EQ(run->train(), StopReason::stopped);
  EXPECT_EQ(resume()->train(), StopReason::finished);
  EXPECT_EQ(model(), whole);
}

TEST_F(LanguageRunTest, ATextInMemoryHasItsUnit) {
  LanguageRunOptions in_memory = options();
  in_memory.text.clear();
  const Corpus bytes = Corpus::read(folder_.path("text.txt"), {.unit = TokenUnit::byte});
  const std::unique_ptr<LanguageRun> run = LanguageRun::create(in_memory, bytes);
  EXPECT_EQ(run->options().unit, TokenUnit::byte);
  run->run().add_observer(std::make_shared<StopAfter>(*run, 4));
  run->train();
  EXPECT_EQ(resume()->options().unit, TokenUnit::byte);
  in_memory.directory = folder_.path("other");
  in_memory.unit = TokenUnit::word;
  EXPECT_EQ(message_of([&] { LanguageRun::create(in_memory, bytes); }),
            "unit word: the text in memory is of the unit byte");
  in_memory.unit = TokenUnit::character;
  in_memory.limit = 100;
  EXPECT_THAT(message_of([&] { LanguageRun::create(in_memory, bytes); }), HasSubstr("limit acts when a file is read"));
}

TEST_F(LanguageRunTest, RefusesATextInMemoryThatAResumedRunWouldReadOtherwise) {
  LanguageRunOptions in_memory = options();
  in_memory.text.clear();
  const Tokenizer words = Tokenizer::from(TokenUnit::word, {"foo", "bar"}, {1, 1});
  const Tokenizer returns = Tokenizer::from(TokenUnit::character, {"a", "\r"}, {1, 1});
  const Tokenizer marks = Tokenizer::from(TokenUnit::character, {"\n", "\ufeff"}, {1, 1});
  const Tokenizer nul = Tokenizer::from(TokenUnit::character, {"a", std::string(1, '\0')}, {1, 1});
  for (const Tokenizer& vocabulary : {words, returns, marks, nul}) {
    const Corpus text = Corpus::from_ids(test::pseudo_random_ids(160, 2), vocabulary);
    EXPECT_THAT(message_of([&] { LanguageRun::create(in_memory, text); }),
                HasSubstr("would not have the same symbols"));
  }
}

TEST_F(LanguageRunTest, AResumedRunRefusesAnotherTextInMemory) {
  LanguageRunOptions in_memory = options();
  const Corpus text = Corpus::read(std::exchange(in_memory.text, {}));
  const std::unique_ptr<LanguageRun> run = LanguageRun::create(in_memory, text);
  run->run().add_observer(std::make_shared<StopAfter>(*run, 4));
  run->train();
  const Corpus other = Corpus::from_ids({text.ids().rbegin(), text.ids().rend()}, text.vocabulary());
  EXPECT_THAT(message_of([&] { LanguageRun::create(in_memory, other, Resume::if_present); }),
              HasSubstr("is that of another training"));
  EXPECT_EQ(LanguageRun::create(in_memory, text, Resume::if_present)->train(), StopReason::finished);
}

TEST_F(LanguageRunTest, NeedsAText) {
  EXPECT_EQ(message_of([] { LanguageRun::create(LanguageRunOptions{}); }), "FILE is missing");
}

TEST_F(LanguageRunTest, BeginsWithTheWeightsOfAnotherModel) {
  LanguageRun::create(options("first"))->train();
  folder_.file("longer.txt", folder_.contents("text.txt") + "xyz");
  LanguageRunOptions from_first{.text = folder_.path("longer.txt"),
                                .task = {.batch = 4, .window = 9},
                                .epochs = 1,
                                .init_from = folder_.path("first"),
                                .directory = folder_.path("second")};
  const std::unique_ptr<LanguageRun> run = LanguageRun::create(from_first);
  EXPECT_EQ(run->options().model.cell, CellType::lstm) << "that of the other model";
  EXPECT_EQ(run->model().options().hidden, 6);
  EXPECT_EQ(run->symbols_of_origin(), 9);
  EXPECT_EQ(run->model().vocabulary().size(), 12);
  Context context;
  const LanguageModel first = LanguageModel::load(context, folder_.path("first/model.safetensors"));
  const Parameters::Entry *ours = run->model().parameters().find("rnn.weight_hh_l0"),
                          *theirs = first.parameters().find("rnn.weight_hh_l0");
  EXPECT_EQ(test::values_of(ours->var), test::values_of(theirs->var));
  from_first.model.hidden = 8;
  EXPECT_THAT(message_of([&] { LanguageRun::create(from_first); }), HasSubstr("hidden differs from the model that"));
}

TEST_F(LanguageRunTest, WarnsIfTheValidationTextIsTheTrainingText) {
  LanguageRunOptions same = options();
  same.validation = same.text;
  const std::unique_ptr<LanguageRun> run = LanguageRun::create(same);
  ASSERT_EQ(run->warnings().size(), 1u);
  EXPECT_THAT(run->warnings()[0], HasSubstr("is the text that is trained on"));
}

TEST_F(LanguageRunTest, OptionsByNameAreThoseOfTheStruct) {
  const std::string whole = model_of_whole_run();
  LanguageRun::create_from_values({{"FILE", {folder_.path("text.txt")}},
                                   {"validation", {"0.1"}},
                                   {"cell", {"lstm"}},
                                   {"hidden", {"6"}},
                                   {"layers", {"2"}},
                                   {"dropout", {"0.2"}},
                                   {"batch", {"4"}},
                                   {"steps", {"9"}},
                                   {"epochs", {"4"}},
                                   {"out", {folder_.path("run")}}})
      ->train();
  EXPECT_EQ(model(), whole);
  EXPECT_EQ(message_of([] {
              LanguageRun::create_from_values({{"hidden", {"many"}}});
            }),
            "hidden 'many': must be a whole number from 1 to 65536");
  EXPECT_EQ(message_of([] { LanguageRun::create_from_values({{"width", {"3"}}}); }), "there is no option 'width'");
}

TEST_F(LanguageRunTest, TheCheckpointOfABareTrainingRunIsRefusedWithItsReason) {
  const std::unique_ptr<LanguageRun> run = LanguageRun::create(options());
  run->train();
  std::filesystem::create_directory(folder_.path("bare"));
  run->run().trainer().save_checkpoint(folder_.path("bare/checkpoint-12.safetensors"));
  EXPECT_THAT(message_of([&] { resume({}, "bare"); }), AllOf(HasSubstr("checkpoint-12"), HasSubstr("has no settings")));
}

TEST_F(LanguageRunTest, ThreadsAsRanksLeaveTheModelOfOneProcess) {
  LanguageRunOptions shared = options("one");
  shared.shards = 4;
  LanguageRun::create(shared)->train();
  shared.directory = folder_.path("ranks");
  run_on_thread_ranks(2, [&](Communicator& ranks) {
    const std::unique_ptr<LanguageRun> run = LanguageRun::create(shared, Resume::never, ranks);
    run->run().add_observer(std::make_shared<StopAfter>(*run, 5));
    EXPECT_EQ(run->train(), StopReason::stopped);
  });
  run_on_thread_ranks(3, [&](Communicator& ranks) {
    LanguageRun::create({.resume = folder_.path("ranks")}, Resume::never, ranks)->train();
  });
  EXPECT_EQ(model("ranks"), model("one"));
}

}  // namespace
}  // namespace unroll
