#include "unroll/optimizers.h"

#include <fmt/format.h>

#include <cmath>

#include "base/require.h"
#include "device/device.h"
#include "nn/parameter_memory.h"
#include "unroll/error.h"

namespace unroll {

namespace {

// Negated comparisons, so that NaN is refused too.

void require_positive(const char* name, double value) {
  if (!(value > 0 && std::isfinite(value))) {
    throw Error(fmt::format("{} {}: it must be a finite number above 0", name, value));
  }
}

void require_not_negative(const char* name, double value) {
  if (!(value >= 0 && std::isfinite(value))) {
    throw Error(fmt::format("{} {}: it must be a finite number of at least 0", name, value));
  }
}

void require_learning_rate(double rate) {
  require_not_negative("learning rate", rate);
  if (rate > max_learning_rate) {
    throw Error(fmt::format("learning rate {}: it must be at most {}", rate, max_learning_rate));
  }
}

void require_decay(const char* name, double value) {
  if (!(value >= 0 && value < 1)) throw Error(fmt::format("{} {}: it must lie in [0, 1)", name, value));
}

/// A moment, initially zero.
Tensor moment(const Parameters& parameters) { return Tensor::zeros(parameters.context(), {parameters.size()}); }

void require_same_size(const char* optimizer, const Tensor& moment, const Parameters& parameters) {
  if (moment.shape().size() != parameters.size()) {
    throw Error(fmt::format("{} was made for {} parameters and there are {} now: make it after the last one is added",
                            optimizer, moment.shape().size(), parameters.size()));
  }
}

}  // namespace

double global_norm(const Parameters& parameters) {
  Context& context = parameters.context();
  return std::sqrt(device_of(context).sum_of_squares(context, gradients_on_device(parameters)));
}

double clip_by_global_norm(Parameters& parameters, float max_norm) {
  require_positive("clip norm", max_norm);
  const double norm = global_norm(parameters);
  if (norm > max_norm) {
    Context& context = parameters.context();
    device_of(context).scale(context, static_cast<float>(max_norm / norm), gradients_on_device(parameters));
  }
  return norm;
}

void clip_by_value(Parameters& parameters, float max) {
  require_positive("clip value", max);
  Context& context = parameters.context();
  device_of(context).clamp(context, max, gradients_on_device(parameters));
}

void sgd(Parameters& parameters, float learning_rate) {
  require_positive("learning rate", learning_rate);
  Context& context = parameters.context();
  device_of(context).sgd(context, learning_rate, gradients_on_device(parameters), values_on_device(parameters));
  parameters.updated();
}

Optimizer::Optimizer(Parameters& parameters, double learning_rate)
    : parameters_(parameters), learning_rate_(learning_rate) {
  require_positive("learning rate", learning_rate);
  require_learning_rate(learning_rate);
}

void Optimizer::set_learning_rate(double rate) {
  require_learning_rate(rate);
  learning_rate_ = rate;
}

Sgd::Sgd(Parameters& parameters, SgdOptions options) : Optimizer(parameters, options.learning_rate), options_(options) {
  require_decay("momentum", options.momentum);
  if (options.nesterov && options.momentum == 0) throw Error("nesterov looks ahead by the momentum: set it above 0");
  if (options.momentum > 0) velocity_ = moment(parameters);
}

void Sgd::step() {
  Context& context = parameters().context();
  const std::span<const float> gradient = gradients_on_device(parameters());
  if (options_.momentum == 0) {
    device_of(context).sgd(context, static_cast<float>(learning_rate()), gradient, values_on_device(parameters()));
  } else {
    require_same_size("Sgd", velocity_, parameters());
    device_of(context).sgd_momentum(context, {learning_rate(), options_.momentum, options_.nesterov}, gradient,
                                    velocity_.span(), values_on_device(parameters()));
  }
  parameters().updated();
}

void Sgd::visit_state(StateVisitor& visitor) {
  visitor.check("momentum", options_.momentum);
  visitor.check("nesterov", options_.nesterov ? 1 : 0);
  if (options_.momentum > 0) visitor.visit_on_device("velocity", parameters().context(), velocity_.span());
}

Adam::Adam(Parameters& parameters, AdamOptions options) : Adam(parameters, options, 0) {}

Adam::Adam(Parameters& parameters, AdamOptions options, double weight_decay)
    : Optimizer(parameters, options.learning_rate),
      options_(options),
      weight_decay_(weight_decay),
      first_moment_(moment(parameters)),
      second_moment_(moment(parameters)) {
  require_decay("beta1", options.beta1);
  require_decay("beta2", options.beta2);
  require_positive("epsilon", options.epsilon);
  require_not_negative("weight decay", weight_decay);
}

void Adam::step() {
  require_same_size("Adam", first_moment_, parameters());
  ++steps_;
  const auto correction = [this](double beta) { return 1 - std::pow(beta, static_cast<double>(steps_)); };
  Context& context = parameters().context();
  device_of(context).adam(context,
                          {learning_rate(), options_.beta1, options_.beta2, options_.epsilon,
                           correction(options_.beta1), correction(options_.beta2), weight_decay_},
                          gradients_on_device(parameters()), first_moment_.span(), second_moment_.span(),
                          values_on_device(parameters()));
  parameters().updated();
}

void Adam::visit_state(StateVisitor& visitor) {
  visitor.check("beta1", options_.beta1);
  visitor.check("beta2", options_.beta2);
  visitor.check("epsilon", options_.epsilon);
  visitor.check("weight_decay", weight_decay_);
  visitor.visit_on_device("first_moment", parameters().context(), first_moment_.span());
  visitor.visit_on_device("second_moment", parameters().context(), second_moment_.span());
  visitor.visit("steps", steps_, 0, max_count);
}

AdamW::AdamW(Parameters& parameters, AdamWOptions options)
    : Adam(parameters, {options.learning_rate, options.beta1, options.beta2, options.epsilon}, options.weight_decay) {}

RmsProp::RmsProp(Parameters& parameters, RmsPropOptions options)
    : Optimizer(parameters, options.learning_rate), options_(options), second_moment_(moment(parameters)) {
  require_decay("alpha", options.alpha);
  require_positive("epsilon", options.epsilon);
}

void RmsProp::step() {
  require_same_size("RmsProp", second_moment_, parameters());
  Context& context = parameters().context();
  device_of(context).rmsprop(context, {learning_rate(), options_.alpha, options_.epsilon},
                             gradients_on_device(parameters()), second_moment_.span(), values_on_device(parameters()));
  parameters().updated();
}

void RmsProp::visit_state(StateVisitor& visitor) {
  visitor.check("alpha", options_.alpha);
  visitor.check("epsilon", options_.epsilon);
  visitor.visit_on_device("second_moment", parameters().context(), second_moment_.span());
}

}  // namespace unroll
