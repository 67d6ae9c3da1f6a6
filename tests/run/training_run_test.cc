#include "unroll/training_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/temporary_folder.h"
#include "language/model_fixtures.h"
#include "ranks/thread_ranks.h"
#include "unroll/language_task.h"
#include "unroll/run_history.h"

namespace unroll {
namespace {

using test::letters;
using test::pseudo_random_ids;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

constexpr int symbols = 9;
constexpr std::int64_t epochs = 4, steps_per_epoch = 5;

/// Records what a run reports; `on_update` may act on an update.
class Recorder final : public RunObserver {
 public:
  std::function<void(std::int64_t update)> on_update = [](std::int64_t) {};
  std::vector<std::string> events, warnings;

  void on_begin() override { events.emplace_back("begin"); }
  void on_resume() override { events.emplace_back("resume"); }
  void on_step(const StepReport& report) override { on_update(report.update); }
  void on_validation(const ValidationReport& report) override {
    events.push_back("validation " + std::to_string(report.update));
  }
  void on_epoch(const EpochReport& report, bool) override { events.push_back("epoch " + std::to_string(report.epoch)); }
  void on_rollback(const Rollback& rollback) override {
    events.push_back("rollback to " + std::to_string(rollback.update));
  }
  void on_warning(const std::string& what) override { warnings.push_back(what); }
  std::function<void(StopReason)> on_finish = [](StopReason) {};
  void on_end(StopReason reason) override {
    on_finish(reason);
    events.push_back("end " + std::to_string(static_cast<int>(reason)));
  }
};

struct Plan {
  Communicator* ranks = &single_process();
  int threads = 1;
  std::int64_t patience = 0;
  bool validates = true;
  double rate = 0.05;
  TrainingRunOptions run = {.checkpoint_every = {.updates = 3}};
  std::int64_t epochs_in_all = epochs;
  int shards = 3;
};

/// A small language model trained by a TrainingRun alone.
class Training {
 public:
  Training(const Plan& plan, const std::string& directory)
      : context_({.seed = 2, .threads = plan.threads}),
        corpus_(Corpus::from_ids(pseudo_random_ids(3 * (steps_per_epoch * 6 + 1), symbols), letters(symbols))),
        validation_(pseudo_random_ids(50, symbols, 5)),
        model_(context_, corpus_.vocabulary(), {.cell = CellType::gru, .hidden = 6, .layers = 2, .dropout = 0.2f}) {
    TrainingRunOptions options = plan.run;
    options.directory = directory;
    const LanguageTaskOptions windows = {.batch = 3, .window = 6};
    const std::span<const std::int32_t> validation = validation_;
    task_ = std::make_shared<LanguageTask>(model_, corpus_, windows, validation.first(plan.validates ? 50 : 0));
    run_ = std::make_unique<TrainingRun>(
        task_, std::make_shared<Adam>(model_.parameters(), AdamOptions{.learning_rate = plan.rate}),
        TrainerOptions{.epochs = plan.epochs_in_all, .shards = plan.shards, .clip_norm = 1, .patience = plan.patience},
        std::move(options),
        [this](const std::string& path, std::span<const float> values) { model_.save(path, values); }, *plan.ranks);
    run_->add_observer(recorder_);
  }

  TrainingRun& run() { return *run_; }
  Recorder& seen() { return *recorder_; }
  LanguageModel& model() { return model_; }

 private:
  Context context_;
  Corpus corpus_;
  std::vector<std::int32_t> validation_;
  LanguageModel model_;
  std::shared_ptr<Task> task_;
  std::unique_ptr<TrainingRun> run_;
  std::shared_ptr<Recorder> recorder_ = std::make_shared<Recorder>();
};

std::string model_of(const TemporaryFolder& folder, const std::string& run = "run") {
  return folder.contents(run + "/model.safetensors");
}

std::string model_of_whole_run(const Plan& plan = {}) {
  const TemporaryFolder folder;
  Training(plan, folder.path("run")).run().train();
  return model_of(folder);
}

TEST(TrainingRun, LeavesModelCheckpointsAndLog) {
  const TemporaryFolder folder;
  Training training({}, folder.path("run"));
  EXPECT_EQ(training.run().train(), StopReason::finished);
  EXPECT_THAT(training.seen().events,
              ::testing::ElementsAre("begin", "validation 5", "epoch 1", "validation 10", "epoch 2", "validation 15",
                                     "epoch 3", "validation 20", "epoch 4", "end 0"));
  EXPECT_TRUE(std::filesystem::exists(folder.path("run/model.safetensors")));
  EXPECT_TRUE(std::filesystem::exists(folder.path("run/checkpoint-20.safetensors")));
  EXPECT_TRUE(std::filesystem::exists(folder.path("run/checkpoint-18.safetensors")));
  EXPECT_FALSE(std::filesystem::exists(folder.path("run/checkpoint-3.safetensors"))) << "two are kept";
  const RunHistory history = read_run_history(folder.path("run"));
  EXPECT_EQ(history.epochs, epochs);
  EXPECT_EQ(history.steps_per_epoch, steps_per_epoch);
  EXPECT_EQ(history.validation.size(), 4u);
  EXPECT_EQ(history.stop_reason, "finished");
}

/// Stopped after every update in turn and resumed in a new process' place, with another number of threads.
TEST(TrainingRun, StoppedAnywhereAndResumedLeavesTheSameModel) {
  const std::string whole = model_of_whole_run();
  for (std::int64_t stop = 1; stop < epochs * steps_per_epoch; ++stop) {
    const TemporaryFolder folder;
    Training first({}, folder.path("run"));
    first.seen().on_update = [&](std::int64_t update) {
      if (update == stop) first.run().stop();
    };
    ASSERT_EQ(first.run().train(), StopReason::stopped);
    Training second({.threads = 2}, folder.path("run"));
    ASSERT_EQ(second.run().train(), StopReason::finished);
    EXPECT_EQ(second.seen().events.front(), "resume");
    ASSERT_EQ(model_of(folder), whole) << "stopped after update " << stop;
  }
}

/// An exception of an observer stands for a process that is killed: no checkpoint is written at the end.
TEST(TrainingRun, AnExceptionOfAnObserverEndsTheRunAndReachesTheCaller) {
  const std::string whole = model_of_whole_run();
  for (const std::int64_t failure : {1, 4, 11, 20}) {
    const TemporaryFolder folder;
    Training first({}, folder.path("run"));
    first.seen().on_update = [&](std::int64_t update) {
      if (update == failure) throw std::runtime_error("killed");
    };
    EXPECT_THROW(first.run().train(), std::runtime_error);
    EXPECT_EQ(first.seen().events.back(), "end 3");
    EXPECT_EQ(read_run_history(folder.path("run")).stop_reason, "failed");
    Training second({}, folder.path("run"));
    EXPECT_EQ(second.run().train(), StopReason::finished);
    EXPECT_EQ(model_of(folder), whole) << "failed in update " << failure;
  }
}

TEST(TrainingRun, AnObserverThatThrowsAtTheEndLeavesOneEnd) {
  const TemporaryFolder folder;
  Training training({}, folder.path("run"));
  training.seen().on_finish = [](StopReason) { throw std::runtime_error("at the end"); };
  EXPECT_THROW(training.run().train(), std::runtime_error);
  EXPECT_EQ(read_run_history(folder.path("run")).stop_reason, "finished");
  EXPECT_EQ(Training({}, folder.path("run")).run().train(), StopReason::finished) << "the folder is free";

  Training failing({}, folder.path("failing"));
  failing.seen().on_update = [](std::int64_t) { throw std::runtime_error("in a step"); };
  failing.seen().on_finish = [](StopReason) { throw std::logic_error("at the end"); };
  EXPECT_THROW(failing.run().train(), std::runtime_error);
}

TEST(TrainingRun, AStoppedRunContinuesInTheSameObject) {
  const std::string whole = model_of_whole_run();
  const TemporaryFolder folder;
  Training training({}, folder.path("run"));
  training.seen().on_update = [&](std::int64_t update) {
    if (update == 7) training.run().stop();
  };
  EXPECT_EQ(training.run().train(), StopReason::stopped);
  EXPECT_EQ(training.run().status().update, 8) << "the step after the one whose callback asked";
  EXPECT_EQ(training.run().train(), StopReason::finished);
  EXPECT_EQ(model_of(folder), whole);
}

TEST(TrainingRun, AnotherNumberOfShardsIsRefused) {
  const TemporaryFolder folder;
  Training({.epochs_in_all = 1}, folder.path("run")).run().train();
  try {
    Training({.shards = 1}, folder.path("run")).run().train();
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("its shards is 3, that of this training 1"));
  }
}

TEST(TrainingRun, IsStoppedFromAnotherThread) {
  const TemporaryFolder folder;
  Training training({.epochs_in_all = 1'000'000}, folder.path("run"));
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    training.run().stop();
  });
  EXPECT_EQ(training.run().train(), StopReason::stopped);
  other.join();
  EXPECT_EQ(training.seen().events.back(), "end 1");
}

TEST(TrainingRun, EndsWhenPatienceRunsOutWithTheBestModel) {
  const TemporaryFolder folder;
  Training training({.patience = 2, .rate = 0.5, .epochs_in_all = 60}, folder.path("run"));
  EXPECT_EQ(training.run().train(), StopReason::finished);
  EXPECT_TRUE(training.run().trainer().out_of_patience());
  Context context;
  const LanguageModel saved = LanguageModel::load(context, folder.path("run/model.safetensors"));
  const std::span<const float> best = training.run().trainer().best_parameters();
  EXPECT_EQ(std::vector(best.begin(), best.end()), values_on_host(saved.parameters()));
}

TEST(TrainingRun, GoesBackToACheckpointAfterDivergence) {
  const TemporaryFolder folder;
  Training training({.validates = false}, folder.path("run"));
  int divergences = 0;
  training.seen().on_update = [&](std::int64_t update) {
    if (update != 8 || ++divergences > 1) return;
    test::set_element(training.model(), "decoder.bias", 0, std::numeric_limits<float>::quiet_NaN());
  };
  EXPECT_EQ(training.run().train(), StopReason::finished);
  EXPECT_THAT(training.seen().events, Contains("rollback to 6"));
  EXPECT_EQ(training.run().rollbacks(), 1);
  EXPECT_EQ(training.run().trainer().learning_rate(), 0.025);
}

TEST(TrainingRun, DivergesIfRollbacksDoNotHelp) {
  const TemporaryFolder folder;
  Plan plan = {.validates = false};
  plan.run.max_rollbacks = 2;
  Training training(plan, folder.path("run"));
  training.seen().on_update = [&](std::int64_t update) {
    if (update != 8) return;
    test::set_element(training.model(), "decoder.bias", 0, std::numeric_limits<float>::quiet_NaN());
  };
  EXPECT_THROW(training.run().train(), Diverged);
  EXPECT_EQ(training.run().rollbacks(), 2);
  EXPECT_EQ(training.seen().events.back(), "end 2");
  EXPECT_EQ(read_run_history(folder.path("run")).stop_reason, "diverged");
}

TEST(TrainingRun, OnThreeRanksLeavesTheModelOfOneProcess) {
  const std::string whole = model_of_whole_run();
  const TemporaryFolder folder;
  run_on_thread_ranks(3, [&](Communicator& ranks) {
    Training training({.ranks = &ranks}, folder.path("run"));
    if (ranks.rank() == 1) {
      training.run().stop_when([&] { return training.run().trainer().updates() == 6; });
    }
    EXPECT_EQ(training.run().train(), StopReason::stopped);
  });
  run_on_thread_ranks(2, [&](Communicator& ranks) {
    Training training({.ranks = &ranks}, folder.path("run"));
    EXPECT_EQ(training.run().train(Resume::required), StopReason::finished);
  });
  EXPECT_EQ(model_of(folder), whole);
}

TEST(TrainingRun, ReturnsOnAllRanksAfterItsEndOnTheLastWithTheCauseOfTheStop) {
  const TemporaryFolder folder;
  std::atomic<bool> ended = false;
  std::atomic<int> after_the_end = 0, told = 0;
  run_on_thread_ranks(3, [&](Communicator& ranks) {
    Plan plan = {.ranks = &ranks};
    Training training(plan, folder.path("run"));
    training.seen().on_finish = [&](StopReason) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      ended = true;
    };
    // A cause that is given in one step only, on one rank.
    training.run().stop_when([&] { return ranks.rank() == 1 && training.run().trainer().updates() == 6 ? 15 : 0; });
    EXPECT_EQ(training.run().train(), StopReason::stopped);
    after_the_end += ended ? 1 : 0;
    told += training.run().stop_cause() == 15 ? 1 : 0;
    training.run().stop_when({});
    EXPECT_EQ(training.run().train(), StopReason::finished);
    EXPECT_EQ(training.run().stop_cause(), 0);
  });
  EXPECT_EQ(after_the_end, 3);
  EXPECT_EQ(told, 3);
}

TEST(TrainingRun, RefusesRanksWithDifferentData) {
  const TemporaryFolder folder;
  try {
    run_on_thread_ranks(2, [&](Communicator& ranks) {
      Plan plan = {.ranks = &ranks};
      plan.run.equal_on_all_ranks = {{"text", std::to_string(ranks.rank())}};
      Training(plan, folder.path("run")).run().train();
    });
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("text"));
  }
  EXPECT_FALSE(std::filesystem::exists(folder.path("run")));
}

TEST(TrainingRun, ResumeModes) {
  const TemporaryFolder folder;
  const auto refused = [&](Resume resume, const Plan& plan = {}) -> std::string {
    try {
      Training(plan, folder.path("run")).run().train(resume);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refused(Resume::required), HasSubstr("holds no checkpoint"));
  EXPECT_EQ(refused(Resume::never), "accepted");
  EXPECT_THAT(refused(Resume::never), AllOf(HasSubstr("holds a model already"), ::testing::Not(HasSubstr("--"))));
  EXPECT_EQ(refused(Resume::required), "accepted");  // nothing is left to do
  Plan replacing;
  replacing.run.replace = true;
  EXPECT_EQ(refused(Resume::never, replacing), "accepted");
}

TEST(TrainingRun, OneDirectoryServesOneRunAtATime) {
  const TemporaryFolder folder;
  Training first({}, folder.path("run"));
  std::string message;
  first.seen().on_update = [&](std::int64_t update) {
    if (update != 2) return;
    try {
      Training({}, folder.path("run")).run().train();
    } catch (const Error& error) {
      message = error.what();
    }
  };
  first.run().train();
  EXPECT_THAT(message, HasSubstr("another training run is using the folder"));
}

TEST(TrainingRun, ACheckpointThatCannotBeWrittenIsAWarning) {
  const TemporaryFolder folder;
  Plan plan;
  plan.run.checkpoint_every = {.updates = 6};
  Training training(plan, folder.path("run"));
  training.seen().on_update = [&](std::int64_t update) {
    const std::string blocked = folder.path("run/checkpoint-6.safetensors");
    if (update == 5) std::filesystem::create_directories(blocked + "/in the way");
  };
  EXPECT_EQ(training.run().train(), StopReason::finished);
  EXPECT_THAT(training.seen().warnings,
              Contains(HasSubstr("training goes on, and the last good checkpoint is that of")));
}

TEST(TrainingRun, KeepsMetadataAndLogFieldsOfItsCaller) {
  const TemporaryFolder folder;
  Plan plan;
  plan.run.log_fields = R"({"cell": "gru", "hidden": 6})";
  plan.run.metadata = {{"settings", "mine"}};
  Training training(plan, folder.path("run"));
  training.seen().on_update = [&](std::int64_t update) {
    if (update == 1) training.run().log_event("note", R"({"text": "hello"})");
  };
  training.run().train();
  EXPECT_THAT(folder.contents("run/checkpoint-20.safetensors"), HasSubstr(R"("settings":"mine")"));
  EXPECT_THAT(folder.contents("run/log.jsonl"), HasSubstr(R"("epoch":1,"step":1,"text":"hello"})"));
  EXPECT_EQ(read_run_history(folder.path("run")).cell, "gru");
}

TEST(TrainingRun, RefusesOptionsOutOfRange) {
  const TemporaryFolder folder;
  const auto refused = [&](const Plan& plan, const std::string& directory) -> std::string {
    try {
      Training training(plan, directory);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  Plan plan;
  EXPECT_THAT(refused(plan, ""), HasSubstr("directory is empty"));
  plan.run.keep = 0;
  EXPECT_THAT(refused(plan, folder.path("run")), HasSubstr("keep is 0"));
  for (const CheckpointInterval every : {CheckpointInterval{}, CheckpointInterval{.updates = -1},
                                         CheckpointInterval{.seconds = std::numeric_limits<double>::infinity()}}) {
    plan = {.run = {.checkpoint_every = every}};
    EXPECT_THAT(refused(plan, folder.path("run")), HasSubstr("checkpoint_every is"));
  }
  plan = {};
  plan.run.log_fields = "[1]";
  EXPECT_THAT(refused(plan, folder.path("run")), HasSubstr("log_fields is no JSON object"));
}

}  // namespace
}  // namespace unroll
