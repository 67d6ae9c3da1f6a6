#include "unroll/optimizers.h"

#include <gmock/gmock.h>

#include "nn/support.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

class Optimizers : public EachDevice {
 protected:
  void set(Parameters& p, std::span<float> (Parameters::*block)(), const std::vector<float>& values) {
    std::copy(values.begin(), values.end(), (p.*block)().begin());
  }
};
UNROLL_EACH_DEVICE(Optimizers);

TEST_P(Optimizers, ClippingFollowsTheTextbookRule) {
  Parameters p(context);
  p.add("a", {1});
  p.add("b", {1});
  // Small numbers, so that the 1e-6 that PyTorch adds to the norm would show.
  constexpr float unit = 1.0f / 1024;
  set(p, &Parameters::gradients, {3 * unit, -4 * unit});
  EXPECT_DOUBLE_EQ(global_norm(p), 5.0 / 1024);
  EXPECT_DOUBLE_EQ(clip_by_global_norm(p, 5 * unit), 5.0 / 1024);  // at the limit: untouched
  EXPECT_THAT(p.gradients(), ElementsAre(3 * unit, -4 * unit));
  EXPECT_DOUBLE_EQ(clip_by_global_norm(p, unit), 5.0 / 1024);  // returns the norm before clipping
  EXPECT_THAT(p.gradients(), ElementsAre(testing::FloatEq(0.6f * unit), testing::FloatEq(-0.8f * unit)));
  EXPECT_THROW(clip_by_global_norm(p, 0), Error);
}

TEST_P(Optimizers, ClippingByValueMovesEachElementAndHidesNoNan) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  Parameters p(context);
  p.add("a", {7});
  set(p, &Parameters::gradients, {0.25f, -0.25f, 0.5f, 3, -4, infinity, -infinity});
  clip_by_value(p, 0.5f);
  EXPECT_THAT(p.gradients(), ElementsAre(0.25f, -0.25f, 0.5f, 0.5f, -0.5f, 0.5f, -0.5f));
  p.gradients()[1] = std::nanf("");
  clip_by_value(p, 0.5f);
  EXPECT_TRUE(std::isnan(p.gradients()[1]));
  EXPECT_THAT([&] { clip_by_value(p, 0); }, ThrowsMessage<Error>(HasSubstr("clip value 0")));
}

TEST_P(Optimizers, SgdStepsAgainstTheGradient) {
  Parameters p(context);
  p.add("a", {2});
  set(p, &Parameters::values, {1, 2});
  set(p, &Parameters::gradients, {10, -10});
  const std::uint64_t version = p.version();
  Sgd(p, {.learning_rate = 0.5f}).step();
  EXPECT_THAT(p.values(), ElementsAre(-4, 7));
  EXPECT_GT(p.version(), version);
  EXPECT_THROW(sgd(p, 0), Error);
}

/// Compares with Algorithm 1 of the paper, computed in double.
TEST_P(Optimizers, AdamFollowsItsPaper) {
  Parameters p(context);
  p.add("a", {3});
  set(p, &Parameters::values, {1, -2, 0.5f});
  const AdamOptions options{.learning_rate = 0.1f};
  Adam adam(p, options);
  double value[] = {1, -2, 0.5}, m[3] = {}, v[3] = {};
  const auto beta1 = static_cast<double>(options.beta1), beta2 = static_cast<double>(options.beta2);
  for (int step = 1; step <= 20; ++step) {
    std::vector<float> gradient;
    for (std::size_t i = 0; i < 3; ++i) {
      gradient.push_back(static_cast<float>(std::sin(step + 2.0 * static_cast<double>(i))) * (i == 2 ? 1e-4f : 1.0f));
      const auto g = static_cast<double>(gradient[i]);
      m[i] = beta1 * m[i] + (1 - beta1) * g;
      v[i] = beta2 * v[i] + (1 - beta2) * g * g;
      const double corrected_m = m[i] / (1 - std::pow(beta1, step)), corrected_v = v[i] / (1 - std::pow(beta2, step));
      value[i] -= static_cast<double>(options.learning_rate) * corrected_m /
                  (std::sqrt(corrected_v) + static_cast<double>(options.epsilon));
    }
    set(p, &Parameters::gradients, gradient);
    adam.step();
  }
  // Twenty updates of at most 0.1 to a value of at most 4. 1 - beta2 has an error of 2^10 of its own roundoffs, m and v
  // ten more each.
  const double bound = 20 * unit_roundoff * (4 + 0.1 * 40);
  for (std::size_t i = 0; i < 3; ++i) {
    expect_within(fmt::format("value {}", i), std::abs(static_cast<double>(p.values()[i]) - value[i]), bound);
  }
}

TEST_P(Optimizers, TheRateIsThatOfTheNextStep) {
  Parameters p(context);
  p.add("a", {1});
  Sgd optimizer(p, {.learning_rate = 0.5});
  EXPECT_EQ(optimizer.learning_rate(), 0.5);
  set(p, &Parameters::gradients, {1});
  optimizer.step();
  optimizer.set_learning_rate(0.25);
  EXPECT_EQ(optimizer.learning_rate(), 0.25);
  optimizer.step();
  EXPECT_THAT(p.values(), ElementsAre(-0.75f));
  optimizer.set_learning_rate(0);
  optimizer.step();
  EXPECT_THAT(p.values(), ElementsAre(-0.75f));
  EXPECT_THAT([&] { optimizer.set_learning_rate(-1); }, ThrowsMessage<Error>(HasSubstr("learning rate -1")));
  EXPECT_THROW(optimizer.set_learning_rate(std::nan("")), Error);
}

TEST_P(Optimizers, OthersRefuseWhatTheyCannotUse) {
  Parameters p(context);
  p.add("a", {1});
  const auto refused = [](const auto& make, const char* what) {
    EXPECT_THAT([&] { make(); }, ThrowsMessage<Error>(HasSubstr(what)));
  };
  refused([&] { Sgd(p, {.learning_rate = 0}); }, "learning rate 0");
  refused([&] { Sgd(p, {.learning_rate = 1e39}); }, "learning rate 1e+39: it must be at most 3.4");
  refused([&] { Adam(p, {.learning_rate = std::numeric_limits<double>::infinity()}); }, "learning rate inf");
  refused([&] { Adam(p, {.epsilon = std::numeric_limits<double>::infinity()}); }, "epsilon inf");
  refused([&] { Sgd(p, {.momentum = 1}); }, "momentum 1");
  refused([&] { Sgd(p, {.nesterov = true}); }, "nesterov");
  refused([&] { AdamW(p, {.weight_decay = -1}); }, "weight decay -1");
  refused([&] { RmsProp(p, {.alpha = 1}); }, "alpha 1");
  refused([&] { RmsProp(p, {.epsilon = 0}); }, "epsilon 0");
  Sgd sgd_with_momentum(p, {.momentum = 0.5});
  RmsProp rmsprop(p);
  p.add("b", {1});
  refused([&] { sgd_with_momentum.step(); }, "made for 1 parameters");
  refused([&] { rmsprop.step(); }, "made for 1 parameters");
}

TEST_P(Optimizers, AdamRefusesWhatItCannotUse) {
  Parameters p(context);
  p.add("a", {1});
  EXPECT_THAT([&] { Adam(p, {.learning_rate = -1}); }, ThrowsMessage<Error>(HasSubstr("learning rate -1")));
  EXPECT_THAT([&] { Adam(p, {.beta2 = 1}); }, ThrowsMessage<Error>(HasSubstr("beta2 1")));
  EXPECT_THAT([&] { Adam(p, {.epsilon = 0}); }, ThrowsMessage<Error>(HasSubstr("epsilon 0")));
  Adam adam(p);
  p.add("b", {1});
  EXPECT_THAT([&] { adam.step(); }, ThrowsMessage<Error>(HasSubstr("made for 1 parameters")));
}

}  // namespace
}  // namespace unroll
