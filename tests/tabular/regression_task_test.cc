#include "tabular/regression_task.h"

#include <gmock/gmock.h>

#include "tabular/table_net.h"
#include "unroll/optimizers.h"

namespace unroll {
namespace {

/// Rows 0 .. count - 1 with one feature, the row's number; the target is twice that.
Examples numbered(int count) {
  Examples examples{.features = {}, .width = 1, .targets = {}};
  for (int i = 0; i < count; ++i) {
    examples.features.push_back(static_cast<float>(i));
    examples.targets.push_back(static_cast<float>(2 * i));
  }
  return examples;
}

TEST(RegressionTask, ShowsEachTrainingRowOnceInAnEpoch) {
  Context context({.seed = 1, .threads = 1});
  Parameters parameters(context);
  const Linear net(parameters, "net", 1, 1, Zero{}, Zero{});
  const Examples examples = numbered(10);
  std::vector<float> seen;
  RegressionTask task(
      parameters,
      [&](const Var& x, const Random* training_dropout) {
        EXPECT_NE(training_dropout, nullptr);
        seen.insert(seen.end(), x.value().span().begin(), x.value().span().end());
        return net(x);
      },
      examples, {0, 1, 2, 4, 6, 7, 9}, {}, 3);
  ASSERT_EQ(task.batches_per_epoch(), 3);
  std::vector<std::vector<float>> orders;
  for (std::int64_t epoch = 1; epoch <= 2; ++epoch) {
    seen.clear();
    std::int64_t rows = 0;
    task.begin_epoch(epoch);
    for (std::int64_t batch = 0; batch < 3; ++batch) rows += task.forward_backward(batch).count;
    EXPECT_EQ(rows, 7);
    EXPECT_THAT(seen, testing::UnorderedElementsAre(0, 1, 2, 4, 6, 7, 9));
    orders.push_back(seen);
  }
  EXPECT_NE(orders[0], orders[1]);
}

TEST(RegressionTask, LossesAreSumsOfSquaredErrors) {
  Context context({.seed = 1, .threads = 1});
  Parameters parameters(context);
  const Linear net(parameters, "net", 1, 1, Zero{}, Zero{});
  const Examples examples = numbered(600);
  std::vector<std::int64_t> held_out;
  double expected = 0;
  for (std::int64_t row = 2; row < 600; ++row) {
    held_out.push_back(row);
    expected += 4.0 * static_cast<double>(row * row);
  }
  RegressionTask task(
      parameters, [&](const Var& x, const Random* /*training_dropout*/) { return net(x); }, examples, {0, 1}, held_out,
      8);
  task.begin_epoch(1);
  const LossSum training = task.forward_backward(0), loss = task.validation_loss();
  EXPECT_EQ(training.count, 2);
  EXPECT_NEAR(training.sum, 4, 1e-5);
  EXPECT_EQ(loss.count, 598);
  EXPECT_NEAR(loss.sum, expected, 1e-6 * expected);
  // d mean (x w - 2 x)^2 / dw = mean 2 x (x w - 2 x)
  EXPECT_NEAR(parameters.gradients()[0], -2, 1e-5);
}

TEST(TableNet, HasDropoutInTrainingOnlyAndMasksOfItsOwnForEachLayer) {
  Context context({.seed = 1, .threads = 1});
  Parameters parameters(context);
  const TableNet net(parameters, 5);
  for (float& value : parameters.values()) value += 0.1f;  // the last layer is initialised to zero
  parameters.updated();
  const Var x = constant(context, Tensor::of(context, {1, 5}, std::vector<float>{1, -2, 3, 4, -5}));
  const Random first(1, RandomStream::dropout, 0, 0), second(1, RandomStream::dropout, 0, 1);
  EXPECT_EQ(net(x, nullptr).item(), net(x, nullptr).item());
  EXPECT_EQ(net(x, &first).item(), net(x, &first).item());
  EXPECT_NE(net(x, &first).item(), net(x, nullptr).item());
  EXPECT_NE(net(x, &first).item(), net(x, &second).item());
}

}  // namespace
}  // namespace unroll
