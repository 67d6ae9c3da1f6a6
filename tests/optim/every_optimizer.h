#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "device/reference/optimizers.h"
#include "support/tracked.h"
#include "unroll/optimizers.h"

namespace unroll {

/// One parameter element with its moments, in a number type that tracks a bound of its own rounding error.
struct TrackedElement {
  test::Tracked<float> value, first{0}, second{0};
};

/// An optimizer with the settings of tests/golden/optimizers.py, and its formula for one element.
struct OptimizerCase {
  std::string name;  // name of the tensor in the golden file
  std::vector<std::string> state;
  std::function<std::unique_ptr<Optimizer>(Parameters&, double rate)> make;
  std::function<void(TrackedElement&, double rate, int step, float gradient)> follow;  // step is 1-based
};

inline OptimizerCase momentum_case(const std::string& name, bool nesterov) {
  return {name,
          {"velocity"},
          [nesterov](Parameters& p, double rate) {
            return std::make_unique<Sgd>(p, SgdOptions{.learning_rate = rate, .momentum = 0.9, .nesterov = nesterov});
          },
          [nesterov](TrackedElement& e, double rate, int, float gradient) {
            ref::sgd_momentum({rate, 0.9, nesterov}, test::Tracked<float>(gradient), e.first, e.value);
          }};
}

inline void follow_adam(TrackedElement& e, double rate, int step, float gradient, double weight_decay) {
  const double beta1 = 0.9, beta2 = 0.999;
  ref::adam({rate, beta1, beta2, 1e-8, 1 - std::pow(beta1, step), 1 - std::pow(beta2, step), weight_decay},
            test::Tracked<float>(gradient), e.first, e.second, e.value);
}

inline std::vector<OptimizerCase> every_optimizer() {
  return {
      {"sgd",
       {},
       [](Parameters& p, double rate) { return std::make_unique<Sgd>(p, SgdOptions{.learning_rate = rate}); },
       [](TrackedElement& e, double rate, int, float gradient) {
         ref::sgd(static_cast<float>(rate), test::Tracked<float>(gradient), e.value);
       }},
      momentum_case("sgd_momentum", false),
      momentum_case("sgd_nesterov", true),
      {"adam",
       {"first_moment", "second_moment", "steps"},
       [](Parameters& p, double rate) { return std::make_unique<Adam>(p, AdamOptions{.learning_rate = rate}); },
       [](TrackedElement& e, double rate, int step, float gradient) { follow_adam(e, rate, step, gradient, 0); }},
      {"adamw",
       {"first_moment", "second_moment", "steps"},
       [](Parameters& p, double rate) {
         return std::make_unique<AdamW>(p, AdamWOptions{.learning_rate = rate, .weight_decay = 0.1});
       },
       [](TrackedElement& e, double rate, int step, float gradient) { follow_adam(e, rate, step, gradient, 0.1); }},
      {"rmsprop",
       {"second_moment"},
       [](Parameters& p, double rate) { return std::make_unique<RmsProp>(p, RmsPropOptions{.learning_rate = rate}); },
       [](TrackedElement& e, double rate, int, float gradient) {
         ref::rmsprop({rate, 0.99, 1e-8}, test::Tracked<float>(gradient), e.second, e.value);
       }},
  };
}

}  // namespace unroll
