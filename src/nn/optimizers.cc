#include "unroll/optimizers.h"

#include <fmt/format.h>

#include <cmath>

#include "tensor/device.h"
#include "unroll/error.h"

namespace unroll {

namespace {

/// Written so that NaN is refused too.
void require_positive(const char* name, double value) {
  if (!(value > 0)) throw Error(fmt::format("{} {}: it must be above 0", name, value));
}

void require_decay(const char* name, double value) {
  if (!(value >= 0 && value < 1)) throw Error(fmt::format("{} {}: it must lie in [0, 1)", name, value));
}

}  // namespace

double global_norm(const Parameters& parameters) {
  Context& context = parameters.context();
  return std::sqrt(device_of(context).sum_of_squares(context, parameters.gradients()));
}

double clip_by_global_norm(Parameters& parameters, float max_norm) {
  require_positive("clip norm", max_norm);
  const double norm = global_norm(parameters);
  if (norm > max_norm) {
    Context& context = parameters.context();
    device_of(context).scale(context, static_cast<float>(max_norm / norm), parameters.gradients());
  }
  return norm;
}

void sgd(Parameters& parameters, float learning_rate) {
  require_positive("learning rate", learning_rate);
  Context& context = parameters.context();
  device_of(context).sgd(context, learning_rate, parameters.gradients(), parameters.values());
  parameters.updated();
}

Adam::Adam(Parameters& parameters, AdamOptions options)
    : parameters_(parameters),
      options_(options),
      first_moment_(Tensor::zeros(parameters.context(), {parameters.size()})),
      second_moment_(Tensor::zeros(parameters.context(), {parameters.size()})) {
  require_positive("learning rate", options.learning_rate);
  require_decay("beta1", options.beta1);
  require_decay("beta2", options.beta2);
  require_positive("epsilon", options.epsilon);
}

void Adam::step() {
  if (first_moment_.shape().size() != parameters_.size()) {
    throw Error(fmt::format("Adam was made for {} parameters and there are {} now: make it after the last one is added",
                            first_moment_.shape().size(), parameters_.size()));
  }
  ++steps_;
  const auto correction = [this](double beta) { return 1 - std::pow(beta, static_cast<double>(steps_)); };
  Context& context = parameters_.context();
  device_of(context).adam(context,
                          {options_.learning_rate, options_.beta1, options_.beta2, options_.epsilon,
                           correction(options_.beta1), correction(options_.beta2)},
                          parameters_.gradients(), first_moment_.span(), second_moment_.span(), parameters_.values());
  parameters_.updated();
}

}  // namespace unroll
