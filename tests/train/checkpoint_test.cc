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
#include "language/model_fixtures.h"
#include "support/failing_file_system.h"
#include "unroll/error.h"
#include "unroll/language_task.h"
#include "unroll/trainer.h"

namespace unroll {
namespace {

using test::letters;
using test::pseudo_random_ids;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int symbols = 7, epochs = 3;

enum class Kind { sgd, adam, rmsprop };

struct Plan {
  CellType cell = CellType::lstm;
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
  double rate = 0.5;  // learning rate of Adam
  // Options that a restored training must share.
  Activation activation = Activation::tanh;
  float dropout = 0.3f;
  int shards = 1;
  float clip_norm = 0.5f;
  double beta2 = 0.999;
  double momentum = 0.9;
  ScheduleOptions schedule = {.kind = ScheduleKind::plateau, .warmup = 2, .decay = 0.5, .patience = 0};
};

/// A training with every kind of state: two layers with dropout, moments, a schedule driven by losses, and a learning
/// rate so high that the losses sometimes rise.
class Training {
 public:
  explicit Training(const Plan& plan, int threads = 1)
      : context_({.seed = 3, .threads = threads}),
        corpus_(Corpus::from_ids(pseudo_random_ids(plan.length, symbols), vocabulary_of(plan))),
        model_(context_, corpus_.vocabulary(),
               {.cell = plan.cell,
                .activation = plan.activation,
                .hidden = plan.hidden,
                .layers = 2,
                .dropout = plan.dropout}),
        task_(model_, corpus_, {.windows = plan.windows, .batch = 3, .window = 4, .epoch_state = plan.epoch_state},
              plan.held_out ? std::span<const std::int32_t>(held_out_) : std::span<const std::int32_t>()),
        optimizer_(make(plan, model_.parameters())),
        trainer_(task_, *optimizer_,
                 {.epochs = plan.epochs_in_all,
                  .accumulate = plan.accumulate,
                  .shards = plan.shards,
                  .clip_norm = plan.clip_norm,
                  .schedule = plan.schedule,
                  .validate_every = plan.validate_every,
                  .patience = plan.patience}) {
    trainer_.on_step([this](const StepReport& r) {
      diary_.push_back(fmt::format("step {} {} {} {} {} {}", r.epoch, r.step_in_epoch, r.update, r.loss, r.epoch_loss,
                                   r.gradient_norm));
      if (++steps_taken_ != stop_after_) return;
      trainer_.save_checkpoint(checkpoint_);
      diary_at_checkpoint_ = diary_;
      trainer_.stop();
    });
    trainer_.on_validation([this](const ValidationReport& v) {
      diary_.push_back(fmt::format("validation {} {} {} {}", v.epoch, v.update, v.loss, v.best));
    });
    trainer_.on_epoch([this](const EpochReport& r) {
      diary_.push_back(fmt::format("epoch {} {} {}", r.epoch, r.loss, r.gradient_norm));
    });
  }

  /// Runs `count` steps and writes a checkpoint right after the last of them; at the end of an epoch, before its
  /// report.
  void run_steps(std::int64_t count, const std::string& checkpoint) {
    stop_after_ = count;
    checkpoint_ = checkpoint;
    trainer_.run();
  }
  void run() { trainer_.run(); }
  Trainer& trainer() { return trainer_; }
  const std::vector<std::string>& diary() const { return diary_; }
  const std::vector<std::string>& diary_at_checkpoint() const { return diary_at_checkpoint_; }
  std::vector<float> parameters() const { return values_on_host(model_.parameters()); }
  std::vector<float> best_parameters() const {
    return {trainer_.best_parameters().begin(), trainer_.best_parameters().end()};
  }

 private:
  static Tokenizer vocabulary_of(const Plan& plan) {
    return plan.other_letters ? Tokenizer::of("zyxwvut") : letters(symbols);
  }
  static std::unique_ptr<Optimizer> make(const Plan& plan, Parameters& parameters) {
    switch (plan.optimizer) {
      case Kind::sgd:
        return std::make_unique<Sgd>(parameters,
                                     SgdOptions{.learning_rate = 0.5, .momentum = plan.momentum, .nesterov = true});
      case Kind::rmsprop:
        return std::make_unique<RmsProp>(parameters, RmsPropOptions{.learning_rate = 0.01});
      case Kind::adam:
        break;
    }
    return std::make_unique<Adam>(parameters, AdamOptions{.learning_rate = plan.rate, .beta2 = plan.beta2});
  }

  Context context_;
  Corpus corpus_;
  std::vector<std::int32_t> held_out_ = pseudo_random_ids(40, symbols);
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

/// Stops after each step in turn and resumes in a new training with two threads: reports and parameters must be bitwise
/// equal to those of the uninterrupted run.
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
    ASSERT_EQ(second.best_parameters(), whole.best_parameters()) << "stopped after step " << stop;
    ASSERT_TRUE(second.trainer().finished());
  }
}

TEST(Checkpoint, ARestoredTrainingGoesOnToTheSameBits) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    for (const WindowKind windows : {WindowKind::consecutive, WindowKind::random}) {
      expect_the_same_bits({.cell = cell, .windows = windows});
    }
  }
}

TEST(Checkpoint, HoldsTheStateThatIsCarriedOverEpochs) {
  expect_the_same_bits({.epoch_state = EpochState::carry, .optimizer = Kind::sgd});
}

TEST(Checkpoint, HoldsTheStateOfEveryOptimizer) {
  for (const Kind kind : {Kind::sgd, Kind::rmsprop}) expect_the_same_bits({.cell = CellType::gru, .optimizer = kind});
}

TEST(Checkpoint, HoldsTheBestParametersAndWhatIsLeftOfPatience) {
  expect_the_same_bits({.held_out = true});
  expect_the_same_bits({.held_out = true, .validate_every = 2, .patience = 3});
  expect_the_same_bits({.windows = WindowKind::random, .accumulate = 3, .held_out = true, .validate_every = 1});
}

TEST(Checkpoint, SavedAfterAValidationDoesNotValidateAgain) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  const Plan plan{.held_out = true, .validate_every = 2};
  Training whole(plan), first(plan), second(plan);
  whole.run();
  first.trainer().on_validation([&](const ValidationReport& validation) {
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
  first.trainer().on_epoch([&](const EpochReport& report) {
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
    training.run();  // ends between two epochs, so the next one has no time yet
    training.trainer().save_checkpoint(folder.path(name));
    std::ifstream file(folder.path(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(bytes(one, "one"), bytes(other, "other"));
}

/// Error message of a training of `wanted` that restores a checkpoint of `plan`.
std::string restore_error(const Plan& plan, const Plan& wanted = {}) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  Training other(plan);
  other.run_steps(2, path);
  Training training(wanted);
  try {
    training.trainer().restore_checkpoint(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "nothing";
}

TEST(Checkpoint, OfAnotherTrainingIsRefusedWithTheDifference) {
  EXPECT_EQ(restore_error({}), "nothing");
  EXPECT_EQ(restore_error({.epochs_in_all = 9}), "nothing") << "more epochs may follow";
  EXPECT_THAT(restore_error({.length = 99}), HasSubstr("text_fingerprint"));
  EXPECT_THAT(restore_error({.other_letters = true}), HasSubstr("vocabulary_fingerprint"));
  EXPECT_THAT(restore_error({.windows = WindowKind::random}), HasSubstr("random_windows is 1, here it is 0"));
  EXPECT_THAT(restore_error({.epoch_state = EpochState::carry}), HasSubstr("carries_over_epochs"));
  EXPECT_THAT(restore_error({.accumulate = 2}), HasSubstr("accumulate 2, here it is 1"));
  EXPECT_THAT(restore_error({.held_out = true}), HasSubstr("more than this training has"));
  EXPECT_THAT(restore_error({.hidden = 6}), AllOf(HasSubstr("checkpoint.safetensors"), HasSubstr("elements")));
  EXPECT_THAT(restore_error({.optimizer = Kind::sgd}), HasSubstr("it has no optimizer/beta1"));
  EXPECT_THAT(restore_error({.optimizer = Kind::rmsprop}), HasSubstr("it has no optimizer/beta1"));
}

TEST(Checkpoint, OfOtherOptionsIsRefusedWithTheOption) {
  EXPECT_THAT(restore_error({.dropout = 0.25f}), HasSubstr("its task/dropout is 0.25, that of this training 0.3"));
  EXPECT_THAT(restore_error({.shards = 2}), HasSubstr("its shards is 2, that of this training 1"));
  EXPECT_THAT(restore_error({.clip_norm = 0.25f}), HasSubstr("its clip_norm is 0.25, that of this training 0.5"));
  EXPECT_THAT(restore_error({.beta2 = 0.5}), HasSubstr("its optimizer/beta2 is 0.5, that of this training 0.999"));
  EXPECT_THAT(restore_error({.schedule = {.kind = ScheduleKind::plateau, .warmup = 3, .decay = 0.5, .patience = 0}}),
              HasSubstr("its schedule/warmup is 3, that of this training 2"));
  EXPECT_THAT(restore_error({.schedule = {.kind = ScheduleKind::constant, .warmup = 2}}), HasSubstr("schedule/kind"));
  EXPECT_THAT(restore_error({.optimizer = Kind::sgd, .momentum = 0.5}, {.optimizer = Kind::sgd}),
              HasSubstr("its optimizer/momentum is 0.5, that of this training 0.9"));
  const Plan rnn = {.cell = CellType::rnn};
  EXPECT_THAT(restore_error({.cell = CellType::rnn, .activation = Activation::relu}, rnn),
              HasSubstr("task/activation"));
}

TEST(Checkpoint, WithMoreThanTheTrainingHasIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.path("checkpoint.safetensors");
  Training adam({}), rmsprop({.optimizer = Kind::rmsprop});
  adam.trainer().save_checkpoint(path);
  EXPECT_THROW(rmsprop.trainer().restore_checkpoint(path), Error);
}

/// Every operation of a save fails in turn, also with short writes: afterwards the file is either the complete old one
/// or the complete new one.
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
    FailingFileSystem files(real_file_system(), {.at = at, .error = ENOSPC, .max_write = 1000});
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
