#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "support/bounds.h"
#include "support/host.h"
#include "support/tracked.h"
#include "unroll/trainer.h"

// Twenty updates, each from three batches, against PyTorch in float64 (tests/golden/README.md).

namespace unroll {
namespace {

constexpr std::size_t updates = 20, batches_per_update = 3;

/// A task whose batches have the rows of a file as gradients, repeated cyclically.
class ScriptedTask final : public Task {
 public:
  ScriptedTask(Context& context, std::span<const float> values, std::span<const float> gradients)
      : parameters_(context), gradients_(gradients) {
    parameters_.add("a", {static_cast<std::int64_t>(values.size())});
    parameters_.set_values(values);
  }
  Parameters& parameters() override { return parameters_; }
  std::int64_t batches_per_epoch() const override { return updates * batches_per_update; }
  void begin_epoch(std::int64_t) override {}
  LossSum forward_backward(std::int64_t batch, Shard) override {
    edit_on_host(gradients_on_device(parameters_), [&](std::span<float> sum) {
      const std::span<const float> row =
          gradients_.subspan(static_cast<std::size_t>(batch) % updates * sum.size(), sum.size());
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += row[i];
    });
    return {1, 1};
  }
  void visit_state(StateVisitor&) override {}

 private:
  Parameters parameters_;
  std::span<const float> gradients_;
};

/// Tracked<float> bounds the rounding of each operation. The constants 0.05 and 1/3 are rounded too, by no more than
/// their products, hence the factor 2. Stored values were rounded once.
TEST(AccumulationGolden, TwentyUpdates) {
  const SafetensorsFile file = SafetensorsFile::read(UNROLL_SOURCE_DIR "/tests/golden/optimizers.safetensors");
  const auto stored = [&](const std::string& name) {
    const StoredTensor* tensor = file.find(name);
    if (tensor == nullptr) throw std::runtime_error("no tensor " + name);
    return tensor->values;
  };
  const std::span<const float> values = stored("values"), gradients = stored("gradients"),
                               golden = stored("sgd_accumulated");
  const std::size_t elements = values.size();
  ASSERT_EQ(golden.size(), updates * elements);
  Context context;
  ScriptedTask task(context, values, gradients);
  Sgd optimizer(task.parameters(), {.learning_rate = 0.05});
  Trainer trainer(task, optimizer, {.epochs = 1, .accumulate = batches_per_update});
  using Number = test::Tracked<float>;
  std::vector<Number> formula;
  for (const float value : values) formula.emplace_back(static_cast<double>(value));
  test::BoundReport report("accumulated");
  std::size_t update = 0;
  trainer.on_step([&](const StepReport&) {
    for (std::size_t i = 0; i < elements; ++i) {
      Number sum(0);
      for (std::size_t k = 0; k < batches_per_update; ++k) {
        sum = sum + Number(static_cast<double>(gradients[(update * batches_per_update + k) % updates * elements + i]));
      }
      formula[i] = formula[i] - Number(0.05) * (sum * Number(1.0 / batches_per_update));
      const auto exact = static_cast<double>(golden[update * elements + i]);
      const double bound = 2 * formula[i].error() + test::unit_roundoff<float>() * std::abs(exact);
      report.add(static_cast<double>(values_on_host(task.parameters())[i]), exact, bound, "value",
                 update * elements + i);
    }
    ++update;
  });
  trainer.run();
  EXPECT_EQ(update, updates);
}

}  // namespace
}  // namespace unroll
