#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/numerics.h"
#include "io/error_of.h"
#include "io/safetensors.h"
#include "io/temporary_folder.h"
#include "language/model_fixtures.h"
#include "train/checkpoint.h"
#include "unroll/context.h"
#include "unroll/error.h"
#include "unroll/language_task.h"

namespace unroll {
namespace {

using nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::HasSubstr;

/// A training of 10 steps an epoch with validation after every 4 updates, and its checkpoint after 23.
class CheckpointNumbers : public ::testing::Test {
 protected:
  static constexpr std::int64_t epochs = 4, steps_per_epoch = 10, update = 23;
  static constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

  struct Training {
    Context context;
    Corpus corpus = Corpus::from_ids(test::pseudo_random_ids(103, 7), test::letters(7));
    LanguageModel model{context, corpus.vocabulary(), {.hidden = 3}};
    LanguageTask task{model, corpus, {.batch = 2, .window = 5}, corpus.ids().subspan(0, 20)};
    Adam optimizer{model.parameters()};
    Trainer trainer{
        task, optimizer, {.epochs = epochs, .schedule = {.kind = ScheduleKind::plateau}, .validate_every = 4}};
  };

  CheckpointNumbers() : path_(folder_.path("checkpoint.safetensors")) {
    Training training;
    training.trainer.on_step([&](const StepReport& step) {
      if (step.update == update) training.trainer.stop();
    });
    training.trainer.run();
    training.trainer.save_checkpoint(path_);
    whole_ = folder_.contents("checkpoint.safetensors");
  }

  /// Writes the checkpoint with other numbers, and the right checksum.
  void change(const std::function<void(ordered_json&)>& edit) const {
    const SafetensorsFile file = SafetensorsFile::parse(whole_, path_);
    std::map<std::string, std::string> metadata = file.metadata();
    ordered_json numbers = ordered_json::parse(metadata.at("numbers"));
    edit(numbers);
    metadata["numbers"] = numbers.dump();
    folder_.file("checkpoint.safetensors", safetensors_bytes(metadata, file.tensors()));
  }

  void expect_refused(const std::string& name, const ordered_json& value, const std::string& why) const {
    change([&](ordered_json& numbers) {
      ASSERT_TRUE(numbers.contains(name)) << name;
      numbers[name] = value;
    });
    Training training;
    try {
      training.trainer.restore_checkpoint(path_);
      ADD_FAILURE() << name << " " << value;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_THAT(error.what(), AllOf(HasSubstr(path_), HasSubstr(fmt::format("its {} is ", name)), HasSubstr(why)));
    }
  }

  TemporaryFolder folder_;
  std::string path_, whole_;
};

TEST_F(CheckpointNumbers, OutOfRangeAreRefused) {
  const auto below = [&](const char* name, std::int64_t low) { expect_refused(name, low - 1, "it must lie in ["); };
  const auto above = [&](const char* name, std::int64_t high) { expect_refused(name, high + 1, "it must lie in ["); };
  below("epoch", 1);
  above("epoch", (std::int64_t{1} << 60) / steps_per_epoch);
  for (const char* name : {"step", "losses/count", "validated", "without_gain", "best/epoch", "best/update",
                           "optimizer/steps", "schedule/evaluations_without_gain"}) {
    below(name, 0);
    expect_refused(name, most, "it must lie in [");
  }
  above("step", steps_per_epoch);
  above("validated", update);
  above("best/epoch", 3);
  above("best/update", 20);  // the last validation
  below("epoch_symbols", 1);
  expect_refused("epoch_symbols", most, "it must lie in [");
  expect_refused("epoch_seconds", -0.5, "it must lie in [");
  expect_refused("gradient_norm", -0.5, "it must lie in [");
  expect_refused("learning_rate", -0.5, "it must lie in [");
  expect_refused("learning_rate", 1e39, "it must lie in [");
  expect_refused("schedule/plateau_factor", -0.5, "it must lie in [0, 1]");
  expect_refused("schedule/plateau_factor", 1.5, "it must lie in [0, 1]");
}

TEST_F(CheckpointNumbers, OfAnotherTypeAreRefused) {
  expect_refused("step", std::numeric_limits<std::uint64_t>::max(), "its step is 18446744073709551615");
  expect_refused("step", 2.0, "its step is 2.0");
  expect_refused("step", "2", "its step is \"2\"");
  expect_refused("epoch_loss", nullptr, "its epoch_loss is null");
  expect_refused("learning_rate", true, "its learning_rate is true");
}

TEST_F(CheckpointNumbers, AndNumericsAreThoseOfThisProcess) {
  const SafetensorsFile file = SafetensorsFile::parse(whole_, path_);
  const auto refusal_with = [&](const char* key, const char* value) {
    std::map<std::string, std::string> metadata = file.metadata();
    metadata.erase(key);
    if (value != nullptr) metadata[key] = value;
    folder_.file("checkpoint.safetensors", safetensors_bytes(metadata, file.tensors()));
    Training training;
    const Error error = error_of([&] { training.trainer.restore_checkpoint(path_); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return std::string(error.what());
  };
  const std::string number = std::to_string(numerics);
  EXPECT_THAT(refusal_with("numerics", nullptr),
              HasSubstr(fmt::format("written with numerics \"1\", here they are \"{}\"", number)));
  EXPECT_THAT(refusal_with("numerics", "9999"), HasSubstr("numerics \"9999\""));
  EXPECT_THAT(refusal_with("numerics_class", "abc"),
              HasSubstr(fmt::format("numerics \"abc\", here they are \"{}\"", numerics_class())));
  EXPECT_THAT(refusal_with("numerics_class", "abc"), HasSubstr("resume with UNROLL_SIMD=abc"));
  EXPECT_THAT(refusal_with("numerics_class", nullptr), HasSubstr("numerics_class"));
}

TEST_F(CheckpointNumbers, NestedDeeplyAreRefusedAndNotRepeated) {
  const SafetensorsFile file = SafetensorsFile::parse(whole_, path_);
  std::map<std::string, std::string> metadata = file.metadata();
  constexpr std::size_t depth = 200'000;  // printing it by recursion would overflow the stack
  metadata["numbers"] = "{\"epoch\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  folder_.file("checkpoint.safetensors", safetensors_bytes(metadata, file.tensors()));
  EXPECT_THAT([&] { StoredCheckpoint::read(path_); },
              ::testing::ThrowsMessage<Error>(AllOf(HasSubstr(path_), HasSubstr("numbers is nested too deeply"))));
}

TEST_F(CheckpointNumbers, AtTheEndsOfTheirRangesGoOnToTheEnd) {
  const auto steps_after = [&](const std::function<void(ordered_json&)>& edit) {
    change(edit);
    Training training;
    training.trainer.restore_checkpoint(path_);
    std::int64_t steps = 0;
    training.trainer.on_step([&](const StepReport&) { ++steps; });
    training.trainer.run();
    EXPECT_TRUE(training.trainer.finished());
    return steps;
  };
  EXPECT_EQ(steps_after([](ordered_json&) {}), epochs * steps_per_epoch - update);
  EXPECT_EQ(steps_after([](ordered_json& numbers) { numbers["step"] = steps_per_epoch; }), steps_per_epoch);
  EXPECT_EQ(steps_after([](ordered_json& numbers) { numbers["epoch"] = (std::int64_t{1} << 60) / steps_per_epoch; }),
            0);
  EXPECT_EQ(steps_after([](ordered_json& numbers) {
              for (const char* name : {"losses/count", "validated", "best/epoch", "best/update"}) numbers[name] = 0;
              numbers["epoch"] = 1;
              numbers["step"] = 0;
              numbers["learning_rate"] = 0;
              numbers["schedule/plateau_factor"] = 0;
            }),
            epochs * steps_per_epoch);
}

/// The writer refuses what the reader would refuse.
TEST_F(CheckpointNumbers, OutOfRangeAreNotSaved) {
  Training training;
  training.trainer.set_learning_rate(-1);
  EXPECT_THAT([&] { training.trainer.save_checkpoint(path_); },
              ::testing::ThrowsMessage<Error>(HasSubstr("its learning_rate is -1; it must lie in [0, ")));
  EXPECT_EQ(folder_.contents("checkpoint.safetensors"), whole_);
}

}  // namespace
}  // namespace unroll
