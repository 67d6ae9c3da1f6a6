#include <gmock/gmock.h>

#include <limits>

#include "io/safetensors.h"
#include "nn/support.h"
#include "support/saved_state.h"
#include "unroll/error.h"
#include "unroll/optimizers.h"

namespace unroll {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr std::int64_t updates = 20;

/// The rates of twenty updates against PyTorch in float64 (tests/golden/README.md).
class ScheduleGolden : public testing::Test {
 protected:
  const SafetensorsFile file = SafetensorsFile::read(UNROLL_SOURCE_DIR "/tests/golden/schedules.safetensors");
  std::span<const float> stored(const std::string& name) const {
    const StoredTensor* tensor = file.find(name);
    if (tensor == nullptr) throw std::runtime_error("no tensor " + name);
    EXPECT_EQ(tensor->values.size(), updates) << name;
    return tensor->values;
  }

  /// The stored rate has one rounding to float. The error of PyTorch's chain of twenty factors in double is a billionth
  /// of that.
  void expect_golden(const std::string& name, const ScheduleOptions& options, const PlannedRun& run) const {
    Schedule schedule(options, run);
    const std::span<const float> golden = stored(name), losses = stored("losses");
    double worst = 0;
    for (std::int64_t update = 0; update < updates; ++update) {
      const auto at = static_cast<std::size_t>(update);
      const auto exact = static_cast<double>(golden[at]);
      worst = std::max(worst, std::abs(schedule.factor(update) - exact) / exact);
      schedule.observe(static_cast<double>(losses[at]));
    }
    expect_within(name, worst, unit_roundoff * (1 + 1e-6));
  }
};

TEST_F(ScheduleGolden, TwentyUpdates) {
  const PlannedRun run{.epochs = updates};
  expect_golden("warmup", {.warmup = 5}, run);
  expect_golden("cosine", {.kind = ScheduleKind::cosine, .minimum = 0.125}, run);
  expect_golden("warmup_cosine", {.kind = ScheduleKind::cosine, .warmup = 5, .minimum = 0.125}, run);
  expect_golden("step", {.kind = ScheduleKind::step, .decay = 0.5, .decay_every = 6}, run);
  expect_golden("warmup_step", {.kind = ScheduleKind::step, .warmup = 5, .decay = 0.5, .decay_every = 6}, run);
  expect_golden("plateau", {.kind = ScheduleKind::plateau, .decay = 0.5, .patience = 2}, run);
  expect_golden("plateau_minimum", {.kind = ScheduleKind::plateau, .minimum = 0.3, .decay = 0.5, .patience = 2}, run);
}

TEST_F(ScheduleGolden, HoweverTheUpdatesAreDividedIntoEpochs) {
  expect_golden("warmup_cosine", {.kind = ScheduleKind::cosine, .warmup = 5, .minimum = 0.125},
                {.epochs = 4, .updates_per_epoch = 5});
  expect_golden("step", {.kind = ScheduleKind::step, .decay = 0.5, .decay_every = 3},
                {.epochs = 10, .updates_per_epoch = 2});
}

TEST(Schedule, ConstantIsExactlyOne) {
  const Schedule schedule({}, {.epochs = 3, .updates_per_epoch = 2});
  for (std::int64_t update = 0; update < 6; ++update) EXPECT_EQ(schedule.factor(update), 1);
}

TEST(Schedule, CosineIsAboveZeroWithinTheRunAndStaysAtItsMinimumBeyond) {
  const Schedule schedule({.kind = ScheduleKind::cosine}, {.epochs = 2, .updates_per_epoch = 5});
  EXPECT_GT(schedule.factor(9), 0);
  for (const std::int64_t update : {10, 11, 1000}) EXPECT_EQ(schedule.factor(update), 0) << update;
}

TEST(Schedule, PlateauCombinesWithWarmUpAndTakesNanForALossThatHasNotFallen) {
  Schedule schedule({.kind = ScheduleKind::plateau, .warmup = 1, .decay = 0.25, .patience = 0}, {.epochs = 9});
  schedule.observe(2);
  EXPECT_EQ(schedule.factor(0), 0.5);
  EXPECT_EQ(schedule.factor(1), 1);
  schedule.observe(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(schedule.factor(2), 0.25);
  schedule.observe(1);
  EXPECT_EQ(schedule.factor(3), 0.25);
}

TEST(Schedule, RestoredIntoAFreshOneGoesOnTheSame) {
  const ScheduleOptions options{.kind = ScheduleKind::plateau, .decay = 0.5, .patience = 1};
  const PlannedRun run{.epochs = 20};
  const double losses[] = {3, 2, 2, 2, 2, 1, 1, 1, 1, 1};
  for (std::size_t stop = 0; stop < std::size(losses); ++stop) {
    Schedule whole(options, run), resumed(options, run);
    for (std::size_t i = 0; i < stop; ++i) whole.observe(losses[i]);
    const test::SavedState state(whole);
    EXPECT_THAT(state.names(), testing::ElementsAre("best_loss", "evaluations_without_gain", "plateau_factor"));
    state.restore(resumed);
    for (std::size_t i = stop; i < std::size(losses); ++i) {
      whole.observe(losses[i]);
      resumed.observe(losses[i]);
      EXPECT_EQ(resumed.factor(0), whole.factor(0)) << "stopped before " << stop << ", at " << i;
    }
  }
}

TEST(Schedule, NamesTheOptionThatIsOutOfRange) {
  const auto refused = [](const ScheduleOptions& options, const char* what) {
    EXPECT_THAT([&] { Schedule(options, {.epochs = 10, .updates_per_epoch = 2}); },
                ThrowsMessage<Error>(HasSubstr(what)));
  };
  refused({.warmup = -1}, "warmup is -1");
  refused({.warmup = 20}, "a warm-up of 20 updates does not end within a run of 20");
  refused({.minimum = 1}, "minimum is 1");
  refused({.minimum = std::numeric_limits<double>::quiet_NaN()}, "minimum is nan");
  refused({.decay = 0}, "decay is 0");
  refused({.decay = 1}, "decay is 1");
  refused({.decay_every = 0}, "decay_every is 0");
  refused({.patience = -1}, "patience is -1");
  EXPECT_THAT([] { Schedule({}, {.epochs = -1}); }, ThrowsMessage<Error>(HasSubstr("epochs is -1")));
  EXPECT_THAT([] { Schedule({}, {.updates_per_epoch = 0}); },
              ThrowsMessage<Error>(HasSubstr("updates_per_epoch is 0")));
  refused({.kind = static_cast<ScheduleKind>(9)}, "schedule is 9");
  constexpr std::int64_t many = std::int64_t{1} << 40;
  EXPECT_THAT([] { Schedule({}, {.epochs = many, .updates_per_epoch = many}); },
              ThrowsMessage<Error>(HasSubstr("with 1099511627776 updates each it must be at most 1048576")));
}

}  // namespace
}  // namespace unroll
