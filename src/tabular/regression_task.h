#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "unroll/context.h"
#include "unroll/trainer.h"

namespace unroll {

/// Rows of float32 features, row-major, and their targets.
struct Examples {
  std::vector<float> features;
  std::int64_t width = 0;
  std::vector<float> targets;
};

/// Least squares on rows of a table. Each epoch visits every training row once, in a new order.
class RegressionTask final : public Task {
 public:
  /// [B, width] -> [B, 1]. The random numbers of dropout; null outside training.
  using Net = std::function<Var(const Var& x, const Random* training_dropout)>;

  /// Keeps references to parameters and examples. `training` and `held_out` are indices of examples; `held_out`, the
  /// validation rows, may be empty.
  RegressionTask(Parameters& parameters, Net net, const Examples& examples, std::vector<std::int64_t> training,
                 std::vector<std::int64_t> held_out, std::int64_t batch);

  Parameters& parameters() override { return parameters_; }
  std::int64_t batches_per_epoch() const override;
  void begin_epoch(std::int64_t epoch) override;
  LossSum forward_backward(std::int64_t batch, Shard = {}) override;  ///< the loss is the sum of squared errors
  bool has_validation() const override { return !held_out_.empty(); }
  LossSum validation_loss(Shard = {}) override;
  void visit_state(StateVisitor& visitor) override;

 private:
  Var errors(std::span<const std::int64_t> rows, const Random* training_dropout);

  Parameters& parameters_;
  Net net_;
  const Examples& examples_;
  std::vector<std::int64_t> training_, held_out_, order_;
  std::int64_t batch_;
  std::int64_t epoch_ = 0;
};

/// The net's outputs for rows of features, computed in blocks of rows.
std::vector<float> outputs_of(const RegressionTask::Net& net, Context& context, std::span<const float> features,
                              std::int64_t width);

}  // namespace unroll
