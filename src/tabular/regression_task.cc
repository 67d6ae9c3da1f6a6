#include "tabular/regression_task.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/shuffle.h"

namespace unroll {
namespace {

constexpr std::int64_t rows_at_once = 256;  // for validation and prediction

}  // namespace

RegressionTask::RegressionTask(Parameters& parameters, Net net, const Examples& examples,
                               std::vector<std::int64_t> training, std::vector<std::int64_t> held_out,
                               std::int64_t batch)
    : parameters_(parameters),
      net_(std::move(net)),
      examples_(examples),
      training_(std::move(training)),
      held_out_(std::move(held_out)),
      batch_(batch) {
  UNROLL_CHECK(!training_.empty());
}

std::int64_t RegressionTask::batches_per_epoch() const {
  return (static_cast<std::int64_t>(training_.size()) + batch_ - 1) / batch_;
}

void RegressionTask::begin_epoch(std::int64_t epoch) {
  epoch_ = epoch;
  order_ = training_;
  const Random random(parameters_.context().seed(), RandomStream::windows, 0, static_cast<std::uint32_t>(epoch));
  shuffle(std::span(order_), random);
}

LossSum RegressionTask::forward_backward(std::int64_t batch, Shard) {
  const auto rows = static_cast<std::int64_t>(order_.size());
  const std::int64_t begin = batch * batch_, count = std::min(batch_, rows - begin);
  const auto step = static_cast<std::uint32_t>((epoch_ - 1) * batches_per_epoch() + batch);
  const Random dropout(parameters_.context().seed(), RandomStream::dropout, 0, step);
  const Var error =
      errors(std::span(order_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)), &dropout);
  const Var loss = mean(error * error);
  loss.backward();
  return {.sum = static_cast<double>(loss.item()) * static_cast<double>(count), .count = count};
}

LossSum RegressionTask::validation_loss(Shard) {
  LossSum loss;
  for (std::size_t begin = 0; begin < held_out_.size(); begin += rows_at_once) {
    const std::span some =
        std::span(held_out_).subspan(begin, std::min<std::size_t>(rows_at_once, held_out_.size() - begin));
    const Var error = errors(some, nullptr);
    loss.sum += static_cast<double>(sum(error * error).item());
    loss.count += static_cast<std::int64_t>(some.size());
  }
  return loss;
}

Var RegressionTask::errors(std::span<const std::int64_t> rows, const Random* training_dropout) {
  Context& context = parameters_.context();
  const auto count = static_cast<std::int64_t>(rows.size());
  Tensor x(context, {count, examples_.width}), y(context, {count, 1});
  float* to = x.data();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t row = rows[static_cast<std::size_t>(i)];
    to = std::copy_n(examples_.features.data() + row * examples_.width, examples_.width, to);
    y.data()[i] = examples_.targets[static_cast<std::size_t>(row)];
  }
  return net_(constant(context, std::move(x)), training_dropout) - constant(context, std::move(y));
}

/// Empty: the order of an epoch is a function of the seed and the epoch's number.
void RegressionTask::visit_state(StateVisitor& /*visitor*/) {}

std::vector<float> outputs_of(const RegressionTask::Net& net, Context& context, std::span<const float> features,
                              std::int64_t width) {
  std::vector<float> outputs;
  const auto block = static_cast<std::size_t>(rows_at_once * width);
  for (std::size_t begin = 0; begin < features.size(); begin += block) {
    const std::span some = features.subspan(begin, std::min(block, features.size() - begin));
    const auto rows = static_cast<std::int64_t>(some.size()) / width;
    const Var y = net(constant(context, Tensor::of(context, {rows, width}, some)), nullptr);
    const std::span values = y.value().span();
    outputs.insert(outputs.end(), values.begin(), values.end());
  }
  return outputs;
}

}  // namespace unroll
