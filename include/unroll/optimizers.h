#pragma once

#include <cstdint>

#include "unroll/parameters.h"
#include "unroll/state_visitor.h"

namespace unroll {

/// Euclidean norm of all gradients together.
double global_norm(const Parameters& parameters);
/// Where the norm exceeds max_norm, scales all gradients by max_norm / norm (Pascanu, Mikolov, Bengio 2013).
/// Returns the norm before scaling. max_norm > 0.
double clip_by_global_norm(Parameters& parameters, float max_norm);

/// Moves every element of the gradients into [-max, max], infinite ones too; NaN stays NaN. max > 0.
void clip_by_value(Parameters& parameters, float max);

/// value -= learning_rate * gradient, for every parameter.
void sgd(Parameters& parameters, float learning_rate);

/// Turns gradients into an update of the parameters it was made with, which must outlive it. The formulas are those of
/// PyTorch's optimizers of the same names. Only AdamW decays weights.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual void step() = 0;
  /// Everything that later steps depend on besides the parameters, the options and the learning rate.
  virtual void visit_state(StateVisitor& visitor) = 0;

  double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double rate);  ///< >= 0; from the next step on

 protected:
  /// Throws Error unless learning_rate > 0.
  Optimizer(Parameters& parameters, double learning_rate);
  Parameters& parameters() const { return parameters_; }

 private:
  Parameters& parameters_;
  double learning_rate_;
};

struct SgdOptions {
  double learning_rate = 0.1;  ///< > 0
  double momentum = 0;         ///< share of the last direction that stays, [0, 1)
  bool nesterov = false;       ///< looks one step of momentum ahead; needs momentum > 0
};

/// Gradient descent; with momentum, Polyak 1964, no dampening; with nesterov, Sutskever et al. 2013.
class Sgd final : public Optimizer {
 public:
  Sgd(Parameters& parameters, SgdOptions options);
  void step() override;
  void visit_state(StateVisitor& visitor) override;

 private:
  SgdOptions options_;
  Tensor velocity_;  // one element per parameter element; none without momentum
};

struct AdamOptions {
  double learning_rate = 1e-3;  ///< > 0
  double beta1 = 0.9;           ///< decay of the mean of the gradient, [0, 1)
  double beta2 = 0.999;         ///< decay of the mean of its square, [0, 1)
  double epsilon = 1e-8;        ///< > 0, added to the root of the latter
};

/// Kingma and Ba, Adam: A Method for Stochastic Optimization, 2015, algorithm 1.
class Adam : public Optimizer {
 public:
  Adam(Parameters& parameters, AdamOptions options = {});
  void step() override;
  void visit_state(StateVisitor& visitor) override;

 protected:
  Adam(Parameters& parameters, AdamOptions options, double weight_decay);

 private:
  AdamOptions options_;
  double weight_decay_;
  Tensor first_moment_, second_moment_;  // one element per parameter element
  std::int64_t steps_ = 0;
};

struct AdamWOptions {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< as Adam's
  double weight_decay = 1e-2;  ///< >= 0: each step takes learning_rate * weight_decay of every value away
};

/// Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019: Adam whose decay does not pass through the
/// moments.
class AdamW final : public Adam {
 public:
  AdamW(Parameters& parameters, AdamWOptions options = {});
};

struct RmsPropOptions {
  double learning_rate = 1e-2;  ///< > 0
  double alpha = 0.99;          ///< decay of the mean of the gradient's square, [0, 1)
  double epsilon = 1e-8;        ///< > 0, added to its root
};

/// Tieleman and Hinton, Neural Networks for Machine Learning, 2012, lecture 6.5: not centred, no momentum.
class RmsProp final : public Optimizer {
 public:
  RmsProp(Parameters& parameters, RmsPropOptions options = {});
  void step() override;
  void visit_state(StateVisitor& visitor) override;

 private:
  RmsPropOptions options_;
  Tensor second_moment_;  // one element per parameter element
};

}  // namespace unroll
