#include <gtest/gtest.h>

#include "io/safetensors.h"
#include "nn/support.h"
#include "optim/every_optimizer.h"
#include "support/bounds.h"

// Twenty updates of every optimizer against PyTorch in float64 (tests/golden/README.md).

namespace unroll {
namespace {

class OptimizerGolden : public EachDevice {
 protected:
  const SafetensorsFile file = SafetensorsFile::read(UNROLL_SOURCE_DIR "/tests/golden/optimizers.safetensors");
  std::span<const float> stored(const std::string& name) const {
    const StoredTensor* tensor = file.find(name);
    if (tensor == nullptr) throw std::runtime_error("no tensor " + name);
    return tensor->values;
  }
};
UNROLL_EACH_DEVICE(OptimizerGolden);

/// Tracked<float> bounds the rounding of every operation. The constants of an update are rounded to float too; each is
/// an operand of a counted operation and adds at most the rounding of that operation again, hence the factor 2. Stored
/// values were rounded once.
TEST_P(OptimizerGolden, TwentyUpdates) {
  const std::span<const float> values = stored("values"), gradients = stored("gradients");
  const std::size_t elements = values.size();
  for (const OptimizerCase& optimizer : every_optimizer()) {
    test::BoundReport report(optimizer.name);
    Parameters p(context);
    p.add("a", {static_cast<std::int64_t>(elements)});
    std::copy(values.begin(), values.end(), p.values().begin());
    std::vector<TrackedElement> formula;
    for (const float value : values) formula.push_back({.value = test::Tracked<float>(value)});
    const auto ours = optimizer.make(p, 0.05);
    const std::span<const float> golden = stored(optimizer.name);
    ASSERT_EQ(golden.size(), 20 * elements);
    for (std::size_t update = 0; update < 20; ++update) {
      const double rate = 0.05 * std::pow(0.5, static_cast<double>(update / 7));
      ours->set_learning_rate(rate);
      const auto row = gradients.subspan(update * elements, elements);
      std::copy(row.begin(), row.end(), p.gradients().begin());
      ours->step();
      for (std::size_t i = 0; i < elements; ++i) {
        optimizer.follow(formula[i], rate, static_cast<int>(update) + 1, row[i]);
        const auto exact = static_cast<double>(golden[update * elements + i]);
        const double bound = 2 * formula[i].value.error() + unit_roundoff * std::abs(exact);
        report.add(static_cast<double>(p.values()[i]), exact, bound, "value", update * elements + i);
      }
    }
  }
}

}  // namespace
}  // namespace unroll
