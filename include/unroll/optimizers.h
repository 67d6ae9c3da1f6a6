#pragma once

#include <cstdint>

#include "unroll/parameters.h"

namespace unroll {

/// Euclidean norm of all gradients together.
double global_norm(const Parameters& parameters);
/// Where the norm exceeds max_norm, scales all gradients by max_norm / norm (Pascanu, Mikolov, Bengio 2013).
/// Returns the norm before scaling. max_norm > 0.
double clip_by_global_norm(Parameters& parameters, float max_norm);

/// value -= learning_rate * gradient, for every parameter.
void sgd(Parameters& parameters, float learning_rate);

/// Turns gradients into an update of the parameters it was made with, which must outlive it.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual void step() = 0;
};

struct SgdOptions {
  float learning_rate = 0.1f;  ///< > 0
};

class Sgd final : public Optimizer {
 public:
  Sgd(Parameters& parameters, SgdOptions options) : parameters_(parameters), options_(options) {}
  void step() override { sgd(parameters_, options_.learning_rate); }

 private:
  Parameters& parameters_;
  SgdOptions options_;
};

struct AdamOptions {
  double learning_rate = 1e-3;  ///< > 0
  double beta1 = 0.9;           ///< decay of the mean of the gradient, [0, 1)
  double beta2 = 0.999;         ///< decay of the mean of its square, [0, 1)
  double epsilon = 1e-8;        ///< added to the root of the latter
};

/// Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, algorithm 1.
class Adam final : public Optimizer {
 public:
  Adam(Parameters& parameters, AdamOptions options = {});
  void step() override;

 private:
  Parameters& parameters_;
  AdamOptions options_;
  Tensor first_moment_, second_moment_;  // one element per parameter element
  std::int64_t steps_ = 0;
};

}  // namespace unroll
