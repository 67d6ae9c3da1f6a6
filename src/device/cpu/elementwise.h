#pragma once

#include <cstdint>
#include <span>

#include "device/device.h"

// Single-threaded loops over one part of the operands.

namespace unroll::cpu {

void axpy(float a, const float* x, float* y, std::int64_t count);
void scale(float a, float* x, std::int64_t count);
void clamp(float limit, float* x, std::int64_t count);
void unary(Unary op, const float* x, float* y, std::int64_t count);
void unary_backward(Unary op, const float* x, const float* y, const float* dy, float* dx, std::int64_t count);
void binary(Binary op, const float* a, const float* b, float* y, std::int64_t count);
void multiply_add(const float* a, const float* b, float* y, std::int64_t count);
/// sums[c] += x(r, c) for all rows in order, c in [column_begin, column_end).
void add_column_sums(const ConstMatrix& x, float* sums, std::int64_t column_begin, std::int64_t column_end);
float sum(const float* x, std::int64_t count);
float sum_of_squares(const float* x, std::int64_t count);
/// y = x / (1 - p) if uniform >= p, else 0; += if `add`.
void dropout(const float* uniform, float p, const float* x, float* y, std::int64_t count, bool add);
void sgd(float learning_rate, const float* gradient, float* value, std::int64_t count);
void sgd_momentum(const MomentumStep& step, const float* gradient, float* velocity, float* value, std::int64_t count);
void adam(const AdamStep& step, const float* gradient, float* first_moment, float* second_moment, float* value,
          std::int64_t count);
void rmsprop(const RmsPropStep& step, const float* gradient, float* second_moment, float* value, std::int64_t count);

/// y = softmax(x) of one row, or its logarithm.
void softmax(Softmax kind, const float* x, std::int64_t count, float* y);
void softmax_backward(Softmax kind, const float* y, const float* dy, std::int64_t count, float* dx);

struct SoftmaxLoss {
  float loss;    // -log softmax(logits)[target]
  bool correct;  // target is the first of the largest
};
/// Replaces a row of logits by scale * (softmax - one_hot(target)).
SoftmaxLoss softmax_cross_entropy(float* logits, std::int64_t count, std::int64_t target, float scale);

}  // namespace unroll::cpu
