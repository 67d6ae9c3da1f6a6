#pragma once

#include <cmath>

#include "device/device.h"
#include "device/reference/number.h"

namespace unroll::ref {

/// value -= learning_rate * gradient
template <class Real>
void sgd(float learning_rate, const Real& gradient, Real& value) {
  value = value - Real(learning_rate) * gradient;
}

/// Momentum (Polyak 1964), with Nesterov's look-ahead as Sutskever, Martens, Dahl and Hinton (2013) rewrite it:
///   velocity = momentum velocity + g
///   value -= learning_rate * (nesterov ? g + momentum velocity : velocity)
template <class Real>
void sgd_momentum(const MomentumStep& step, const Real& gradient, Real& velocity, Real& value) {
  const Real momentum = Real(step.momentum);
  velocity = momentum * velocity + gradient;
  const Real direction = step.nesterov ? gradient + momentum * velocity : velocity;
  value = value - Real(step.learning_rate) * direction;
}

/// Adam (Kingma and Ba 2015, algorithm 1) with the decoupled weight decay of Loshchilov and Hutter 2019:
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
///   value *= 1 - learning_rate * weight_decay
///   value -= learning_rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
template <class Real>
void adam(const AdamStep& step, const Real& gradient, Real& m, Real& v, Real& value) {
  using std::sqrt;
  const Real beta1 = Real(step.beta1), beta2 = Real(step.beta2);
  m = beta1 * m + Real(1 - step.beta1) * gradient;
  v = beta2 * v + Real(1 - step.beta2) * gradient * gradient;
  const Real mean = m / Real(step.correction1), square = v / Real(step.correction2);
  const Real kept = Real(1 - step.learning_rate * step.weight_decay) * value;
  value = kept - Real(step.learning_rate) * mean / (sqrt(square) + Real(step.epsilon));
}

/// RMSProp (Tieleman and Hinton 2012, lecture 6.5), with epsilon added to the root:
///   v = alpha v + (1 - alpha) g^2,  value -= learning_rate * g / (sqrt(v) + epsilon)
template <class Real>
void rmsprop(const RmsPropStep& step, const Real& gradient, Real& v, Real& value) {
  using std::sqrt;
  v = Real(step.alpha) * v + Real(1 - step.alpha) * gradient * gradient;
  value = value - Real(step.learning_rate) * gradient / (sqrt(v) + Real(step.epsilon));
}

/// x clamped to [-limit, limit]; NaN stays NaN.
template <class Real>
Real clamped(float limit, const Real& x) {
  if (real_part(x) > limit) return Real(limit);
  if (real_part(x) < -limit) return Real(-limit);
  return x;
}

}  // namespace unroll::ref
