#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "unroll/options.h"
#include "unroll/parameters.h"

namespace unroll {

enum class ScheduleKind {
  constant,
  cosine,  ///< after the warm-up, falls along half a cosine period to `minimum` at the end of the run
  step,    ///< multiplied by `decay` every `decay_every` epochs
  plateau  ///< multiplied by `decay` if the loss has not fallen for more than `patience` evaluations
};
template <>
const EnumNames<ScheduleKind>& enum_names<ScheduleKind>();

/// Options of the learning rate during training.
struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::constant;
  std::int64_t warmup = 0;  ///< updates, >= 0, over which the rate rises linearly to that of `kind`
  double minimum = 0;       ///< cosine, plateau: lowest rate as a fraction of the full rate, in [0, 1)
  double decay = 0.1;       ///< step, plateau: in (0, 1)
  /// step: epochs, >= 1. In epochs because the number of updates per epoch depends on the length of the text.
  std::int64_t decay_every = 10;
  std::int64_t patience = 3;  ///< plateau: evaluations, >= 0
};

/// The length of a run, over which a schedule is spread.
struct PlannedRun {
  std::int64_t epochs = 0;             ///< >= 0
  std::int64_t updates_per_epoch = 1;  ///< >= 1
};
std::int64_t updates_of(const PlannedRun& run);  ///< throws Error for numbers out of range and for more than 2^60

/// Factors of the full learning rate, one for each update: the factor of the warm-up times that of the kind. For
/// update u, counted from 0:
///   warm-up   (u + 1) / (warmup + 1) while u < warmup, then 1
///   cosine    minimum + (1 - minimum) (1 + cos(pi v / (updates - warmup))) / 2 with v = u - warmup, once u > warmup
///             (Loshchilov and Hutter, SGDR, 2017, without restarts)
///   step      decay ^ floor(epoch / decay_every), epoch: that of update u, from 0
///   plateau   max(minimum, decay ^ n), n the number of times that the loss stopped falling
/// These are PyTorch's LinearLR, CosineAnnealingLR, StepLR and ReduceLROnPlateau (with its relative threshold 1e-4).
class Schedule {
 public:
  /// Throws Error for options out of range, and if the warm-up is not shorter than the run.
  Schedule(const ScheduleOptions& options, PlannedRun run);
  double factor(std::int64_t update) const;
  /// Reports the loss, >= 0, of an evaluation; the plateau schedule counts it as progress if it is below
  /// best * (1 - 1e-4).
  void observe(double loss);
  void visit_state(StateVisitor& visitor);

 private:
  double factor_of_kind(std::int64_t update) const;

  ScheduleOptions options_;
  PlannedRun run_;
  double best_loss_;  // plateau; initially the largest finite number
  std::int64_t evaluations_without_gain_ = 0;
  double plateau_factor_ = 1;
};

/// Euclidean norm of all gradients together.
double global_norm(const Parameters& parameters);
/// Scales all gradients by max_norm / norm if the norm exceeds max_norm > 0 (Pascanu, Mikolov, Bengio 2013). Returns
/// the norm before scaling.
double clip_by_global_norm(Parameters& parameters, float max_norm);

/// Clamps every element of the gradients to [-max, max], max > 0, infinite ones too; NaN stays NaN.
void clip_by_value(Parameters& parameters, float max);

/// value -= learning_rate * gradient, for every parameter.
void sgd(Parameters& parameters, float learning_rate);

inline constexpr double max_learning_rate = std::numeric_limits<float>::max();  ///< rates are applied as floats

/// Updates parameters from their gradients. The parameters must outlive the optimizer. The formulas are those of
/// PyTorch's optimizers of the same names. Only AdamW has weight decay.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual void step() = 0;
  /// Visits the state that later steps depend on, besides the parameters, the options and the learning rate.
  virtual void visit_state(StateVisitor& visitor) = 0;

  Parameters& parameters() const { return parameters_; }
  double learning_rate() const { return learning_rate_; }
  void set_learning_rate(double rate);  ///< 0 to max_learning_rate; used from the next step on

 protected:
  /// Throws Error unless learning_rate is above 0 and at most max_learning_rate.
  Optimizer(Parameters& parameters, double learning_rate);

 private:
  Parameters& parameters_;
  double learning_rate_;
};

struct SgdOptions {
  double learning_rate = 0.1;  ///< > 0
  double momentum = 0;         ///< momentum coefficient, [0, 1)
  bool nesterov = false;       ///< Nesterov momentum; requires momentum > 0
};

/// Gradient descent; with momentum, Polyak 1964, no dampening; with nesterov, Sutskever et al. 2013.
class Sgd final : public Optimizer {
 public:
  Sgd(Parameters& parameters, SgdOptions options);
  void step() override;
  void visit_state(StateVisitor& visitor) override;

 private:
  SgdOptions options_;
  Tensor velocity_;  // one element per parameter element; empty without momentum
};

struct AdamOptions {
  double learning_rate = 1e-3;  ///< > 0
  double beta1 = 0.9;           ///< decay of the mean of the gradient, [0, 1)
  double beta2 = 0.999;         ///< decay of the mean of the gradient's square, [0, 1)
  double epsilon = 1e-8;        ///< > 0, added to the square root of the mean of the squared gradient
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
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;  ///< as in AdamOptions
  double weight_decay = 1e-2;  ///< >= 0: each step reduces every value by learning_rate * weight_decay times itself
};

/// Adam with weight decay that does not enter the moments (Loshchilov and Hutter, Decoupled Weight Decay
/// Regularization, 2019).
class AdamW final : public Adam {
 public:
  AdamW(Parameters& parameters, AdamWOptions options = {});
};

struct RmsPropOptions {
  double learning_rate = 1e-2;  ///< > 0
  double alpha = 0.99;          ///< decay of the mean of the gradient's square, [0, 1)
  double epsilon = 1e-8;        ///< > 0, added to the square root of that mean
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

enum class OptimizerKind { sgd, adam, adamw, rmsprop };
template <>
const EnumNames<OptimizerKind>& enum_names<OptimizerKind>();

/// Optimizer, clipping and schedule of a run, by name. Members that are not set have defaults that depend on others.
struct OptimizerOptions {
  OptimizerKind kind = OptimizerKind::adam;
  std::optional<float> learning_rate = {};  ///< > 0; default: 1 - momentum for sgd, else 0.005
  double momentum = 0;                      ///< sgd: [0, 1)
  bool nesterov = false;                    ///< sgd with momentum
  std::optional<double> weight_decay = {};  ///< adamw: >= 0; default: that of AdamWOptions
  std::optional<float> clip = {};  ///< maximum global norm of the gradients; 0: none; default: 1 without clip_value
  float clip_value = 0;            ///< maximum magnitude of a gradient element; 0: no clipping
  ScheduleKind schedule = ScheduleKind::constant;
  std::int64_t warmup = 0;             ///< updates over which the rate rises linearly
  std::optional<double> minimum = {};  ///< cosine, plateau: lowest rate as a fraction of the full rate, [0, 1)
  std::optional<double> decay = {};    ///< step, plateau: factor on the rate, (0, 1)
  std::optional<std::int64_t> decay_every = {};  ///< step: epochs; default: a third of all
  std::optional<std::int64_t> patience = {};     ///< plateau: evaluations

  /// Sets the members that are not set, for a run of `epochs` epochs.
  void fill_defaults(std::int64_t epochs);
  // Requires fill_defaults().
  std::string description() const;  ///< "adam rate 0.005, warm-up of 100 updates, cosine to 0, clip 1"
  ScheduleOptions schedule_options() const;
  std::unique_ptr<Optimizer> make(Parameters& parameters) const;
  int moments() const;  ///< number of values that the optimizer keeps per parameter
};

std::vector<Option> describe(OptimizerOptions& options);
/// Throws OptionError for options that have no effect in combination with the others.
void check_conflicts(const OptimizerOptions& options);
/// Throws Error for a warm-up or a schedule that has no effect within this run. Requires fill_defaults().
void check_length(const OptimizerOptions& options, const PlannedRun& run);

}  // namespace unroll
