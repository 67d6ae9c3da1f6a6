#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "device/reference/number.h"
#include "device/reference/products.h"

namespace unroll::ref {

/// Index of the largest of x[0 .. count), the first if several are equal.
template <class Real>
std::int64_t first_largest(const Real* x, std::int64_t count) {
  std::int64_t best = 0;
  for (std::int64_t j = 1; j < count; ++j) {
    if (real_part(x[j]) > real_part(x[best])) best = j;
  }
  return best;
}

/// -log softmax(logits)[target] in nats, softmax(x)[j] = e^x[j] / sum_k e^x[k]. The largest logit is subtracted from
/// all, which does not change the result but keeps e^x finite. Replaces logits[j] by softmax(logits)[j] - (j ==
/// target), the derivative of the loss.
template <class Real>
Real softmax_cross_entropy(Real* logits, std::int64_t count, std::int64_t target) {
  using std::exp;
  using std::log;
  const Real largest = logits[first_largest(logits, count)];
  const Real below_largest = largest - logits[target];
  Real total = Real(0);
  for (std::int64_t j = 0; j < count; ++j) {
    logits[j] = exp(logits[j] - largest);
    total = total + logits[j];
  }
  for (std::int64_t j = 0; j < count; ++j) logits[j] = logits[j] / total;
  logits[target] = logits[target] - Real(1);
  return log(total) + below_largest;
}

/// unroll::LinearCrossEntropy for any number type.
template <class Real>
struct LinearLoss {
  Grid<const Real> input;                 // [N, H]
  Grid<const Real> weight;                // [H, V]
  const Real* bias = nullptr;             // [V] or null
  std::span<const std::int32_t> targets;  // N
  Accumulator<Real> loss_sum = Accumulator<Real>(0);
  std::int64_t correct = 0;
  bool with_gradients = false;
  Real scale = Real(1);
  Grid<Real> d_input;      // [N, H] written
  Grid<Real> d_weight;     // [H, V] added to
  Real* d_bias = nullptr;  // [V] added to; null without bias
};

/// loss[n] = -log softmax(h[n] W + b)[target[n]]. With d = scale * (softmax - one_hot): dh = d W^T, dW += h^T d, db +=
/// d.
template <class Real>
void linear_cross_entropy(LinearLoss<Real>& problem) {
  const std::int64_t symbols = problem.weight.columns;
  problem.loss_sum = Accumulator<Real>(0);
  problem.correct = 0;
  std::vector<Real> logits(static_cast<std::size_t>(symbols));
  for (std::int64_t n = 0; n < problem.input.rows; ++n) {
    const Grid<const Real> h(&problem.input(n, 0), 1, problem.input.columns, 0, problem.input.column_stride);
    const Grid<Real> row(logits.data(), 1, symbols);
    const std::int64_t target = problem.targets[static_cast<std::size_t>(n)];
    gemm(h, problem.weight, row, problem.bias == nullptr ? InitialC::zero : InitialC::row, problem.bias);
    problem.correct += first_largest(logits.data(), symbols) == target;
    const Real loss = softmax_cross_entropy(logits.data(), symbols, target);
    problem.loss_sum = problem.loss_sum + Accumulator<Real>(loss);
    if (!problem.with_gradients) continue;
    for (Real& d : logits) d = problem.scale * d;
    gemm(row, problem.weight.transposed(), Grid<Real>(&problem.d_input(n, 0), 1, problem.d_input.columns));
    gemm(h.transposed(), row, problem.d_weight, InitialC::c);
    if (problem.d_bias != nullptr) add_column_sums(row, problem.d_bias);
  }
}

}  // namespace unroll::ref
