#pragma once

#include <cmath>

#include "tensor/device.h"
#include "tensor/ref/number.h"

namespace unroll::ref {

/// value -= learning_rate * gradient
template <class Real>
void sgd(float learning_rate, const Real& gradient, Real& value) {
  value = value - Real(learning_rate) * gradient;
}

/// Kingma and Ba 2015, algorithm 1:
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
///   value -= learning_rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
template <class Real>
void adam(const AdamStep& step, const Real& gradient, Real& m, Real& v, Real& value) {
  using std::sqrt;
  const Real beta1 = Real(step.beta1), beta2 = Real(step.beta2);
  m = beta1 * m + Real(1 - step.beta1) * gradient;
  v = beta2 * v + Real(1 - step.beta2) * gradient * gradient;
  const Real mean = m / Real(step.correction1), square = v / Real(step.correction2);
  value = value - Real(step.learning_rate) * mean / (sqrt(square) + Real(step.epsilon));
}

}  // namespace unroll::ref
