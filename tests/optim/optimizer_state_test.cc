#include <gmock/gmock.h>

#include "device/every_target.h"
#include "nn/support.h"
#include "optim/every_optimizer.h"
#include "support/random_data.h"
#include "support/saved_state.h"
#include "support/threads.h"

namespace unroll {
namespace {

/// Parameters with a reproducible random gradient for each update.
struct Net {
  Net(Context& context, std::int64_t size) : parameters(context) { parameters.add("a", {size}, Uniform{-1, 1}); }
  void take_steps(Optimizer& optimizer, int first, int last) {
    for (int step = first; step <= last; ++step) {
      test::RandomData data(static_cast<std::uint64_t>(step));
      for (float& gradient : parameters.gradients()) gradient = data.next();
      optimizer.step();
    }
  }
  std::vector<float> values() const { return {parameters.values().begin(), parameters.values().end()}; }

  Parameters parameters;
};

class OptimizerState : public EachDevice {};
UNROLL_EACH_DEVICE(OptimizerState);

TEST_P(OptimizerState, RestoredIntoAFreshOneGoesOnBitForBit) {
  constexpr std::int64_t size = 103;
  for (const OptimizerCase& optimizer : every_optimizer()) {
    SCOPED_TRACE(optimizer.name);
    Net whole(context, size), first_half(context, size), second_half(context, size);
    const auto uninterrupted = optimizer.make(whole.parameters, 0.1);
    whole.take_steps(*uninterrupted, 1, 8);

    const auto stopped = optimizer.make(first_half.parameters, 0.1);
    first_half.take_steps(*stopped, 1, 4);
    const test::SavedState state(*stopped);
    EXPECT_EQ(state.names(), optimizer.state);
    const auto resumed = optimizer.make(second_half.parameters, 0.1);
    std::ranges::copy(first_half.values(), second_half.parameters.values().begin());
    state.restore(*resumed);
    second_half.take_steps(*resumed, 5, 8);
    EXPECT_EQ(second_half.values(), whole.values());
  }
}

TEST(OptimizerThreads, DoNotChangeABit) {
  constexpr std::int64_t size = 300'007;
  test::on_every_target([] {
    for (const OptimizerCase& optimizer : every_optimizer()) {
      const auto trained = [&](int threads) {
        Context context({.seed = 1, .threads = threads});
        EXPECT_TRUE(test::all_threads_take_part(context));
        Net net(context, size);
        const auto ours = optimizer.make(net.parameters, 0.1);
        net.take_steps(*ours, 1, 3);
        clip_by_value(net.parameters, 0.5f);
        std::vector<float> result = net.values();
        result.insert(result.end(), net.parameters.gradients().begin(), net.parameters.gradients().end());
        return result;
      };
      const std::vector<float> alone = trained(1);
      for (const int threads : {2, 3, 8}) EXPECT_TRUE(trained(threads) == alone) << optimizer.name << ", " << threads;
    }
  });
}

}  // namespace
}  // namespace unroll
