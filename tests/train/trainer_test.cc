#include "unroll/trainer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <vector>

#include "support/host.h"
#include "unroll/error.h"
#include "unroll/parameters.h"

namespace unroll {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// A task with two parameters whose loss and gradients the test sets for each step.
class ScriptedTask : public Task {
 public:
  struct Answer {
    LossSum loss{6, 3};
    std::vector<float> gradient{3, 4, 0};  // of a [2], then b [1]
  };

  ScriptedTask(Context& context, std::vector<Answer> answers) : parameters_(context), answers_(std::move(answers)) {
    parameters_.add("a", {2});
    parameters_.add("b", {1});
  }
  Parameters& parameters() override { return parameters_; }
  std::int64_t batches_per_epoch() const override { return static_cast<std::int64_t>(answers_.size()); }
  void begin_epoch(std::int64_t epoch) override { epochs.push_back(epoch); }
  LossSum forward_backward(std::int64_t batch, Shard) override {
    const Answer& answer = answers_[static_cast<std::size_t>(batch)];
    add(answer.gradient);
    return answer.loss;
  }
  void visit_state(StateVisitor&) override {}
  std::vector<float> values() { return values_on_host(parameters_); }

  void add(const std::vector<float>& gradient) {
    edit_on_host(gradients_on_device(parameters_), [&](std::span<float> sum) {
      for (std::size_t i = 0; i < gradient.size(); ++i) sum[i] += gradient[i];
    });
  }

  std::vector<std::int64_t> epochs;

 private:
  Parameters parameters_;
  std::vector<Answer> answers_;
};

TEST(Trainer, ReportsTheMeanOverSymbolsAndTheLastNorm) {
  Context context;
  ScriptedTask task(context, {{.loss = {6, 3}}, {.loss = {1, 1}, .gradient = {0, 0, 2}}});
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, {.epochs = 2});
  std::vector<std::string> steps;
  std::vector<EpochReport> reports;
  trainer.on_step([&](const StepReport& report) {
    steps.push_back(fmt::format("{} {} {} {} {:.4}", report.epoch, report.step_in_epoch, report.update, report.loss,
                                report.epoch_loss));
  });
  trainer.on_epoch([&](const EpochReport& report) { reports.push_back(report); });
  trainer.run();
  EXPECT_THAT(task.epochs, ElementsAre(1, 2));
  EXPECT_THAT(steps, ElementsAre("1 1 1 2 2", "1 2 2 1 1.75", "2 1 3 2 2", "2 2 4 1 1.75"));
  ASSERT_EQ(reports.size(), 2u);
  EXPECT_EQ(reports[1].epoch, 2);
  EXPECT_DOUBLE_EQ(reports[1].loss, 7.0 / 4) << "each symbol counts once, not each step";
  EXPECT_DOUBLE_EQ(reports[1].perplexity, std::exp(7.0 / 4));
  EXPECT_DOUBLE_EQ(reports[1].gradient_norm, 2);
  EXPECT_NEAR(reports[1].symbols_per_second, 4 / reports[1].seconds, 1e-6 * reports[1].symbols_per_second);
  EXPECT_THAT(task.values(), ElementsAre(-6, -8, -4));
}

TEST(Trainer, ClipsIfAsked) {
  Context context;
  for (const float clip : {0.0f, 1.0f, 10.0f}) {
    ScriptedTask task(context, {{}});
    Sgd optimizer(task.parameters(), {.learning_rate = 1});
    Trainer trainer(task, optimizer, {.epochs = 1, .clip_norm = clip});
    double norm = 0;
    trainer.on_epoch([&](const EpochReport& report) { norm = report.gradient_norm; });
    trainer.run();
    EXPECT_DOUBLE_EQ(norm, 5) << "before clipping";
    const float scale = clip == 1 ? 0.2f : 1.0f;
    EXPECT_FLOAT_EQ(task.values()[0], -3 * scale) << clip;
    EXPECT_FLOAT_EQ(task.values()[1], -4 * scale) << clip;
  }
}

TEST(Trainer, ClipsByValueAndReportsTheNormBefore) {
  Context context;
  ScriptedTask task(context, {{.gradient = {3, -4, 0.25f}}});
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, {.epochs = 1, .clip_value = 0.5f});
  double norm = 0;
  trainer.on_epoch([&](const EpochReport& report) { norm = report.gradient_norm; });
  trainer.run();
  EXPECT_DOUBLE_EQ(norm, std::sqrt(9 + 16 + 0.0625));
  EXPECT_THAT(task.values(), ElementsAre(-0.5f, 0.5f, -0.25f));
}

/// Learning rates of two epochs of three updates, measured with a gradient of 1.
std::vector<double> rates_under(const ScheduleOptions& schedule) {
  Context context;
  ScriptedTask::Answer answer{.gradient = {1, 0, 0}};
  ScriptedTask task(context, {answer, answer, answer});
  Sgd optimizer(task.parameters(), {.learning_rate = 8});
  Trainer trainer(task, optimizer, {.epochs = 2, .schedule = schedule});
  std::vector<double> rates;
  float before = task.values()[0];
  trainer.on_step([&](const StepReport&) {
    rates.push_back(static_cast<double>(before - task.values()[0]));
    before = task.values()[0];
  });
  trainer.run();
  return rates;
}

TEST(Trainer, SetsTheRateOfEachUpdate) {
  EXPECT_THAT(rates_under({}), ElementsAre(8, 8, 8, 8, 8, 8));
  EXPECT_THAT(rates_under({.warmup = 3}), ElementsAre(2, 4, 6, 8, 8, 8));
  EXPECT_THAT(rates_under({.kind = ScheduleKind::step, .decay = 0.25, .decay_every = 1}),
              ElementsAre(8, 8, 8, 2, 2, 2));
  EXPECT_THAT(rates_under({.kind = ScheduleKind::cosine, .warmup = 2}),
              ElementsAre(testing::DoubleNear(8.0 / 3, 1e-6), testing::DoubleNear(16.0 / 3, 1e-6), 8,
                          testing::DoubleNear(8 * (1 + std::sqrt(0.5)) / 2, 1e-5), testing::DoubleNear(4, 1e-5),
                          testing::DoubleNear(8 * (1 - std::sqrt(0.5)) / 2, 1e-5)));
}

TEST(Trainer, ReportsToThePlateauTheLossOfEachEpoch) {
  Context context;
  ScriptedTask task(context, {{.loss = {1, 1}, .gradient = {1, 0, 0}}});
  Sgd optimizer(task.parameters(), {.learning_rate = 8});
  Trainer trainer(task, optimizer,
                  {.epochs = 4, .schedule = {.kind = ScheduleKind::plateau, .decay = 0.5, .patience = 0}});
  trainer.run();
  EXPECT_THAT(task.values(), ElementsAre(-(8 + 8 + 4 + 2), 0, 0));
}

TEST(Trainer, DoesNotCountTheTimeOfCallbacks) {
  Context context;
  ScriptedTask task(context, {{}, {}});
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, {.epochs = 2});
  const auto sleep = [] { std::this_thread::sleep_for(std::chrono::milliseconds(50)); };
  double seconds = 0;
  trainer.on_step([&](const StepReport&) { sleep(); });
  trainer.on_epoch([&](const EpochReport& report) {
    seconds += report.seconds;
    sleep();
  });
  trainer.run();
  EXPECT_GT(seconds, 0);
  EXPECT_LT(seconds, 0.05);
}

/// Error message of run() if step 2 of epoch 2 returns `bad`; the parameters must be those before that step.
std::string divergence(const ScriptedTask::Answer& bad, float clip) {
  Context context;
  class Late final : public ScriptedTask {
   public:
    Late(Context& c, const Answer& answer) : ScriptedTask(c, {{}, {}}), bad_(answer) {}
    LossSum forward_backward(std::int64_t step, Shard shard) override {
      if (epochs.back() != 2 || step != 1) return ScriptedTask::forward_backward(step, shard);
      add(bad_.gradient);
      return bad_.loss;
    }

   private:
    Answer bad_;
  } task(context, bad);
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, {.epochs = 3, .clip_norm = clip});
  std::vector<float> before;
  trainer.on_step([&](const StepReport&) { before = task.values(); });
  try {
    trainer.run();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::diverged);
    EXPECT_EQ(task.values(), before);
    return error.what();
  }
  ADD_FAILURE() << "training went on";
  return "";
}

TEST(Trainer, StopsAtALossOrGradientThatIsNotFinite) {
  constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const auto place = HasSubstr("epoch 2, step 2: ");
  for (const float clip : {0.0f, 1e-2f}) {
    EXPECT_THAT(divergence({.loss = {nan, 3}}, clip), AllOf(place, HasSubstr("the loss is nan")));
    EXPECT_THAT(divergence({.loss = {infinity, 3}}, clip), AllOf(place, HasSubstr("the loss is inf")));
    EXPECT_THAT(divergence({.gradient = {1, infinity, nan}}, clip), AllOf(place, HasSubstr("gradient of a is")));
    EXPECT_THAT(divergence({.gradient = {1, 2, nan}}, clip), AllOf(place, HasSubstr("gradient of b is")));
    EXPECT_THAT(divergence({.gradient = {1, 2, -infinity}}, clip), AllOf(place, HasSubstr("gradient of b is")));
  }
}

TEST(Metrics, AreFoundByName) {
  const std::vector<Metric> metrics = {{"perplexity", 2}, {"bits", 1}};
  EXPECT_EQ(value_of(metrics, "bits"), 1);
  EXPECT_THROW(value_of(metrics, "bytes"), Error);
}

TEST(Trainer, StopsAtALossThatExplodes) {
  Context context;
  std::vector<ScriptedTask::Answer> answers(20, {.loss = {4, 2}});
  answers.resize(60, {.loss = {7, 2}});
  ScriptedTask task(context, answers);
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, {});
  try {
    trainer.run();
    ADD_FAILURE() << "training went on";
  } catch (const Diverged& divergence) {
    EXPECT_THAT(divergence.what(), HasSubstr("epoch 1, step 34: the mean loss of the last 20 updates is 3.05, more "
                                             "than 1.5 times that of the first 20, 2;"));
  }
  EXPECT_EQ(trainer.updates(), 33) << "the update was not made";
}

TEST(Trainer, ClipsFiniteGradientsOfAnySize) {
  Context context;
  ScriptedTask task(context, {{.gradient = {1e30f, 0, -1e30f}}});
  const std::vector<float> before = task.values();
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer(task, optimizer, {.epochs = 1, .clip_norm = 1}).run();
  EXPECT_NEAR(task.values()[0], before[0] - std::sqrt(0.5f), 1e-6f);
  EXPECT_NEAR(task.values()[2], before[2] + std::sqrt(0.5f), 1e-6f);
}

TEST(Trainer, AveragesTheGradientsOfTheBatchesOfAStep) {
  Context context;
  ScriptedTask task(context, {{.loss = {2, 2}, .gradient = {1, 0, 0}},
                              {.loss = {4, 2}, .gradient = {3, 2, 0}},
                              {.loss = {9, 1}, .gradient = {0, 0, 8}}});
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, {.epochs = 1, .accumulate = 2});
  std::vector<double> losses, norms;
  trainer.on_step([&](const StepReport& report) {
    losses.push_back(report.loss);
    norms.push_back(report.gradient_norm);
  });
  EXPECT_EQ(trainer.steps_per_epoch(), 2);
  trainer.run();
  EXPECT_THAT(losses, ElementsAre(1.5, 9)) << "each symbol counts once";
  EXPECT_THAT(norms, ElementsAre(std::sqrt(5.0), 8)) << "the last step takes what is left";
  EXPECT_THAT(task.values(), ElementsAre(-2, -1, -8));
}

/// A task whose validation losses the test sets too.
class ValidatedTask final : public ScriptedTask {
 public:
  ValidatedTask(Context& context, std::vector<double> losses)
      : ScriptedTask(context, {{.gradient = {1, 0, 0}}, {.gradient = {1, 0, 0}}}), losses_(std::move(losses)) {}
  bool has_validation() const override { return true; }
  LossSum validation_loss(Shard) override { return {2 * losses_[looks++], 2}; }

  std::size_t looks = 0;

 private:
  std::vector<double> losses_;
};

/// "epoch update loss best" of every validation, the first value of the best parameters, and whether patience ended the
/// training.
struct Validations {
  std::vector<std::string> seen;
  float outcome = 0;
  bool out_of_patience = false;
};

Validations validations_of(const std::vector<double>& losses, const TrainerOptions& options) {
  Context context;
  ValidatedTask task(context, losses);
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, options);
  Validations looks;
  trainer.on_validation([&](const ValidationReport& v) {
    looks.seen.push_back(fmt::format("{} {} {}{}", v.epoch, v.update, v.loss, v.best ? " best" : ""));
  });
  trainer.run();
  looks.outcome = trainer.best_parameters()[0];
  looks.out_of_patience = trainer.out_of_patience();
  EXPECT_TRUE(trainer.finished());
  return looks;
}

TEST(Trainer, ValidatesAndKeepsTheBestParameters) {
  const Validations by_epoch = validations_of({3, 1, 2}, {.epochs = 3});
  EXPECT_THAT(by_epoch.seen, ElementsAre("1 2 3 best", "2 4 1 best", "3 6 2"));
  EXPECT_EQ(by_epoch.outcome, -4);
  const Validations within = validations_of({3, 4, 5}, {.epochs = 3, .validate_every = 3});
  EXPECT_THAT(within.seen, ElementsAre("2 3 3 best", "3 6 4"));
  EXPECT_EQ(within.outcome, -3);
  EXPECT_THAT(validations_of({3, 2}, {.epochs = 1, .validate_every = 4}).seen, ElementsAre("1 2 3 best"))
      << "the last parameters are looked at in any case";
}

TEST(Trainer, EndsWhenPatienceRunsOut) {
  const Validations looks = validations_of({3, 4, 3, 2, 2, 5, 1}, {.epochs = 9, .patience = 2});
  EXPECT_THAT(looks.seen, ElementsAre("1 2 3 best", "2 4 4", "3 6 3"));
  EXPECT_TRUE(looks.out_of_patience);
  EXPECT_EQ(looks.outcome, -2);
  EXPECT_FALSE(validations_of({3, 4, 2, 3}, {.epochs = 4, .patience = 2}).out_of_patience);
}

TEST(Trainer, ReportsToThePlateauTheHeldOutLoss) {
  Context context;
  ValidatedTask task(context, {1, 1, 1});
  Sgd optimizer(task.parameters(), {.learning_rate = 8});
  Trainer trainer(task, optimizer,
                  {.epochs = 3, .schedule = {.kind = ScheduleKind::plateau, .decay = 0.5, .patience = 0}});
  trainer.run();
  EXPECT_EQ(task.values()[0], -(8 + 8 + 8 + 8 + 4 + 4));
}

TEST(Trainer, StopsAtAHeldOutLossThatIsNotFinite) {
  Context context;
  ValidatedTask task(context, {1, std::numeric_limits<double>::infinity()});
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, {.epochs = 3});
  try {
    trainer.run();
    FAIL() << "training went on";
  } catch (const Diverged& error) {
    EXPECT_EQ(error.where(), "epoch 2, step 2: the held-out loss is inf");
  }
}

TEST(Trainer, NamesTheParameterThatIsNotFinite) {
  Context context;
  ScriptedTask task(context, {{}});
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  Trainer trainer(task, optimizer, {.epochs = 1});
  trainer.run();
  EXPECT_NO_THROW(trainer.check_parameters());
  edit_values(task.parameters(), [](std::span<float> values) { values[2] = std::numeric_limits<float>::quiet_NaN(); });
  try {
    trainer.check_parameters();
    FAIL() << "nothing was said";
  } catch (const Diverged& error) {
    EXPECT_THAT(error.what(), HasSubstr("b is not finite"));
  }
}

TEST(Trainer, NamesTheOptionThatIsOutOfRange) {
  Context context;
  ScriptedTask task(context, {{}});
  Sgd optimizer(task.parameters(), {.learning_rate = 1});
  const auto refused = [&](const TrainerOptions& options) -> std::string {
    try {
      Trainer(task, optimizer, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(refused({.epochs = -1}), HasSubstr("epochs is -1"));
  EXPECT_THAT(refused({.clip_norm = -1}), HasSubstr("clip_norm is -1"));
  EXPECT_THAT(refused({.clip_norm = std::nanf("")}), HasSubstr("clip_norm is nan"));
  EXPECT_THAT(refused({.clip_value = -1}), HasSubstr("clip_value is -1"));
  EXPECT_THAT(refused({.clip_norm = 1, .clip_value = 2}), HasSubstr("clip_norm is 1 and clip_value 2"));
  EXPECT_THAT(refused({.epochs = 2, .schedule = {.warmup = 2}}), HasSubstr("a warm-up of 2 updates"));
  EXPECT_THAT(refused({.accumulate = 0}), HasSubstr("accumulate is 0"));
  EXPECT_THAT(refused({.patience = 2}), HasSubstr("held-out data"));
  EXPECT_EQ(refused({.epochs = 0}), "accepted");
  constexpr std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  EXPECT_THAT(refused({.epochs = largest}), HasSubstr("epochs is 9223372036854775807; it must be at most"));
  EXPECT_THAT(refused({.accumulate = largest}), HasSubstr("accumulate is 9223372036854775807; it must be at most"));
}

TEST(Trainer, RefusesAnOptimizerOfOtherParameters) {
  Context context;
  ScriptedTask task(context, {{}}), other(context, {{}});
  Sgd optimizer(other.parameters(), {.learning_rate = 1});
  EXPECT_THAT([&] { Trainer(task, optimizer, {}); },
              ::testing::ThrowsMessage<Error>(HasSubstr("other parameters than those of the task")));
}

}  // namespace
}  // namespace unroll
