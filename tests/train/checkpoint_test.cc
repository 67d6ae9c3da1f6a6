#include "train/checkpoint.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "io/temporary_folder.h"
#include "model/model_fixtures.h"
#include "support/failing_file_system.h"
#include "unroll/error.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::letters;
using testing::scattered;

constexpr int symbols = 7, epochs = 3;

enum class Kind { sgd, adam, rmsprop };

struct Plan {
  Cell cell = Cell::lstm;
  WindowKind windows = WindowKind::consecutive;
  EpochState epoch_state = EpochState::zero;
  Kind optimizer = Kind::adam;
  int length = 100;
  int hidden = 5;
  int epochs_in_all = epochs;
  int accumulate = 1;
  bool held_out = false;
  int validate_every = 0;
  int patience = 0;
  bool other_letters = false;
  double rate = 0.5;  // adam's
};

/// A training with everything that has a state of its own: two layers with dropout, moments, a schedule that looks at
/// losses, and a rate so high that these rise now and then.
class Training {
 public:
  explicit Training(const Plan& plan, int threads = 1)
      : context_({.seed = 3, .threads = threads}),
        corpus_(Corpus::from_ids(scattered(plan.length, symbols), vocabulary_of(plan))),
        model_(context_, corpus_.vocabulary(),
               {.cell = plan.cell, .hidden = plan.hidden, .layers = 2, .dropout = 0.3f}),
        task_(model_, corpus_, {.windows = plan.windows, .batch = 3, .steps = 4, .epoch_state = plan.epoch_state},
              plan.held_out ? std::span<const std::int32_t>(held_out_) : std::span<const std::int32_t>()),
        optimizer_(make(plan, model_.parameters())),
        trainer_(task_, *optimizer_,
                 {.epochs = plan.epochs_in_all,
                  .accumulate = plan.accumulate,
                  .clip_norm = 0.5f,
                  .schedule = {.kind = ScheduleKind::plateau, .warmup = 2, .decay = 0.5, .patience = 0},
                  .validate_every = plan.validate_every,
                  .patience = plan.patience}) {
    trainer_.on_step([this](const StepReport& r) {
      diary_.push_back(
          fmt::format("step {} {} {} {} {} {}", r.epoch, r.step, r.update, r.loss, r.epoch_loss, r.gradient_norm));
      if (++steps_taken_ != stop_after_) return;
      trainer_.save_checkpoint(checkpoint_);
      diary_at_checkpoint_ = diary_;
      trainer_.stop();
    });
    trainer_.on_validation([this](const Validation& v) {
      diary_.push_back(fmt::format("validation {} {} {} {}", v.epoch, v.update, v.loss, v.best));
    });
    trainer_.on_epoch(
        [this](const Report& r) { diary_.push_back(fmt::format("epoch {} {} {}", r.epoch, r.loss, r.gradient_norm)); });
  }

  /// Writes a checkpoint right after so many steps: after the last one of an epoch, before that is reported.
  void run_steps(std::int64_t count, const std::string& checkpoint) {
    stop_after_ = count;
    checkpoint_ = checkpoint;
    trainer_.run();
  }
  void run() { trainer_.run(); }
  Trainer& trainer() { return trainer_; }
  const std::vector<std::string>& diary() const { return diary_; }
  const std::vector<std::string>& diary_at_checkpoint() const { return diary_at_checkpoint_; }
  std::vector<float> parameters() const {
    return {model_.parameters().values().begin(), model_.parameters().values().end()};
  }
  std::vector<float> outcome() const { return {trainer_.outcome().begin(), trainer_.outcome().end()}; }

 private:
  static Vocabulary vocabulary_of(const Plan& plan) {
    return plan.other_letters ? Vocabulary::of(U"zyxwvut") : letters(symbols);
  }
  static std::unique_ptr<Optimizer> make(const Plan& plan, Parameters& parameters) {
    switch (plan.optimizer) {
      case Kind::sgd:
        return std::make_unique<Sgd>(parameters, SgdOptions{.learning_rate = 0.5, .momentum = 0.9, .nesterov = true});
      case Kind::rmsprop:
        return std::make_unique<RmsProp>(parameters, RmsPropOptions{.learning_rate = 0.01});
      case Kind::adam:
        break;
    }
    return std::make_unique<Adam>(parameters, AdamOptions{.learning_rate = plan.rate});
  }

  Context context_;
  Corpus corpus_;
  std::vector<std::int32_t> held_out_ = scattered(40, symbols);
  LanguageModel model_;
  LanguageTask task_;
  std::unique_ptr<Optimizer> optimizer_;
  Trainer trainer_;
  std::vector<std::string> diary_, diary_at_checkpoint_;
  std::string checkpoint_;
  std::int64_t steps_taken_ = 0, stop_after_ = 0;
};

std::vector<std::string> joined(std::vector<std::string> first, const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// Stopped after every step in turn, and taken up by another training, with two threads.
void expect_the_same_bits(const Plan& plan) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  Training whole(plan);
  whole.run();
  const auto steps = std::count_if(whole.diary().begin(), whole.diary().end(),
                                   [](const std::string& s) { return s.starts_with("step"); });
  ASSERT_GT(steps, 2 * epochs - 1);
  for (std::int64_t stop = 1; stop <= steps; ++stop) {
    Training first(plan);
    first.run_steps(stop, path);
    Training second(plan, 2);
    second.trainer().restore_checkpoint(path);
    second.run();
    ASSERT_EQ(joined(first.diary_at_checkpoint(), second.diary()), whole.diary()) << "stopped after step " << stop;
    ASSERT_EQ(second.parameters(), whole.parameters()) << "stopped after step " << stop;
    ASSERT_EQ(second.outcome(), whole.outcome()) << "stopped after step " << stop;
    ASSERT_TRUE(second.trainer().finished());
  }
}

TEST(Checkpoint, ARestoredTrainingGoesOnToTheSameBits) {
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    for (const WindowKind windows : {WindowKind::consecutive, WindowKind::random}) {
      expect_the_same_bits({.cell = cell, .windows = windows});
    }
  }
}

TEST(Checkpoint, HoldsTheStateThatIsCarriedOverEpochs) {
  expect_the_same_bits({.epoch_state = EpochState::carry, .optimizer = Kind::sgd});
}

TEST(Checkpoint, HoldsTheStateOfEveryOptimizer) {
  for (const Kind kind : {Kind::sgd, Kind::rmsprop}) expect_the_same_bits({.cell = Cell::gru, .optimizer = kind});
}

TEST(Checkpoint, HoldsTheBestParametersAndWhatIsLeftOfPatience) {
  expect_the_same_bits({.held_out = true});
  expect_the_same_bits({.held_out = true, .validate_every = 2, .patience = 3});
  expect_the_same_bits({.windows = WindowKind::random, .accumulate = 3, .held_out = true, .validate_every = 1});
}

TEST(Checkpoint, SavedAfterALookAtTheHeldOutTextDoesNotLookAgain) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  const Plan plan{.held_out = true, .validate_every = 2};
  Training whole(plan), first(plan), second(plan);
  whole.run();
  first.trainer().on_validation([&](const Validation& validation) {
    if (validation.update != 4) return;
    first.trainer().save_checkpoint(path);
    first.trainer().stop();
  });
  first.run();
  second.trainer().restore_checkpoint(path);
  second.run();
  EXPECT_THAT(second.diary().front(), HasSubstr("step 1 5 "));
  EXPECT_EQ(second.parameters(), whole.parameters());
}

TEST(Checkpoint, SavedWhereAnEpochEndsIsThatOfTheNextOne) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  Training whole({}), first({}), second({});
  whole.run();
  first.trainer().on_epoch([&](const Report& report) {
    if (report.epoch == 2) first.trainer().save_checkpoint(path);
  });
  first.run();
  second.trainer().restore_checkpoint(path);
  second.run();
  EXPECT_EQ(second.parameters(), whole.parameters());
  EXPECT_THAT(second.diary().front(), HasSubstr("step 3 1 "));
}

TEST(Checkpoint, BringsItsLearningRate) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  Training whole({}), first({}), second({.rate = 0.1});
  whole.run();
  first.run_steps(3, path);
  second.trainer().restore_checkpoint(path);
  second.run();
  EXPECT_EQ(second.parameters(), whole.parameters());
}

TEST(Checkpoint, EqualTrainingsGiveEqualBytesButForTheirTime) {
  const TemporaryFolder folder;
  Training one({}), other({}, 2);
  const auto bytes = [&](Training& training, const char* name) {
    training.run();  // ends between two epochs, where no time has been spent on the next one
    training.trainer().save_checkpoint(folder.path(name));
    std::ifstream file(folder.path(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(bytes(one, "one"), bytes(other, "other"));
}

/// What restoring says, of a checkpoint that `plan` leaves, to a training like Plan{}.
std::string complaint_about(const Plan& plan) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  Training other(plan);
  other.run_steps(2, path);
  Training training({});
  try {
    training.trainer().restore_checkpoint(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "nothing";
}

TEST(Checkpoint, OfAnotherTrainingIsRefusedWithTheDifference) {
  EXPECT_EQ(complaint_about({}), "nothing");
  EXPECT_EQ(complaint_about({.epochs_in_all = 9}), "nothing") << "more epochs may follow";
  EXPECT_THAT(complaint_about({.length = 99}), HasSubstr("text_fingerprint"));
  EXPECT_THAT(complaint_about({.other_letters = true}), HasSubstr("vocabulary_fingerprint"));
  EXPECT_THAT(complaint_about({.windows = WindowKind::random}), HasSubstr("random_windows is 1, here it is 0"));
  EXPECT_THAT(complaint_about({.epoch_state = EpochState::carry}), HasSubstr("carries_over_epochs"));
  EXPECT_THAT(complaint_about({.accumulate = 2}), HasSubstr("accumulate 2, here it is 1"));
  EXPECT_THAT(complaint_about({.held_out = true}), HasSubstr("more than this training has"));
  EXPECT_THAT(complaint_about({.hidden = 6}), AllOf(HasSubstr("checkpoint.safetensors"), HasSubstr("elements")));
  EXPECT_THAT(complaint_about({.optimizer = Kind::sgd}), HasSubstr("optimizer/first_moment"));
  EXPECT_THAT(complaint_about({.optimizer = Kind::rmsprop}), HasSubstr("optimizer/first_moment"));
}

TEST(Checkpoint, WithMoreThanTheTrainingHasIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  Training adam({}), rmsprop({.optimizer = Kind::rmsprop});
  adam.trainer().save_checkpoint(path);
  EXPECT_THROW(rmsprop.trainer().restore_checkpoint(path), Error);
}

/// Every operation of a save fails in turn, with short writes too: the file is the whole old one or the whole new one.
TEST(Checkpoint, AFailedSaveLeavesTheOldOne) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  Training older({}), newer({}), whole({});
  older.run_steps(3, path);
  const std::string old_bytes = folder.contents("checkpoint.safetensors");
  newer.run_steps(5, folder.path("newer"));
  whole.run();
  const Checkpoint checkpoint = Checkpoint::view_of(newer.trainer());
  std::size_t failures = 0;
  for (std::size_t at = 0;; ++at) {
    folder.file("checkpoint.safetensors", old_bytes);
    FailingFileSystem files(real_file_system(), {.at = at, .error = ENOSPC, .longest_write = 1000});
    try {
      checkpoint.write(path, {}, files);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::io);
    }
    if (files.failed().empty()) break;
    ++failures;
    Training again({});
    again.trainer().restore_checkpoint(path);
    again.run();
    EXPECT_EQ(again.parameters(), whole.parameters()) << "operation " << at << ", " << files.failed();
  }
  EXPECT_GT(failures, 6u);
}

TEST(Checkpoint, AModelFileAndADamagedOneAreRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path("file.safetensors");
  const auto expect_refused = [&](const std::string& what) {
    Training training({});
    try {
      training.trainer().restore_checkpoint(path);
      ADD_FAILURE() << what;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(path), HasSubstr(what)));
    }
  };
  expect_refused("");
  Context context;
  LanguageModel(context, letters(symbols), {}).save(path);
  expect_refused("unroll.checkpoint");
  Training({}).trainer().save_checkpoint(path);
  std::fstream(path, std::ios::in | std::ios::out | std::ios::binary).seekp(-3, std::ios::end).put('x');
  expect_refused("checksum");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  expect_refused("checksum");
}

}  // namespace
}  // namespace unroll
