#include <algorithm>
#include <cstddef>

#include "device/device.h"
#include "device/reference/choose.h"
#include "device/reference/cross_entropy.h"
#include "device/reference/elementwise.h"
#include "device/reference/layer_norm.h"
#include "device/reference/number.h"
#include "device/reference/optimizers.h"
#include "device/reference/products.h"
#include "device/reference/recurrent.h"
#include "device/reference/softmax.h"

namespace unroll {
namespace {

using ref::Grid;

Grid<const float> grid(const ConstMatrix& m) { return {m.data, m.rows, m.columns, m.row_stride, m.column_stride}; }
Grid<float> grid(const Matrix& m) { return {m.data, m.rows, m.columns, m.row_stride, 1}; }

ref::Sequence<float> sequence_of(const RecurrentSequence& s) {
  ref::Sequence<float> sequence;
  sequence.cell = s.cell;
  sequence.activation = s.activation;
  sequence.reverse = s.reverse;
  sequence.steps = s.steps;
  sequence.batch = s.batch;
  sequence.hidden = s.hidden;
  sequence.gates = s.gates;
  sequence.candidate = s.candidate;
  sequence.weight = s.weight;
  sequence.bias = s.bias;
  sequence.h = s.h;
  sequence.c = s.c;
  return sequence;
}

ref::LinearLoss<float> loss_of(const LinearCrossEntropy& p) {
  ref::LinearLoss<float> loss;
  loss.input = grid(p.input);
  loss.weight = grid(p.weight);
  loss.bias = p.bias;
  loss.targets = p.targets;
  loss.with_gradients = p.with_gradients;
  loss.scale = p.scale;
  loss.d_input = grid(p.d_input);
  loss.d_weight = p.d_weight.data != nullptr ? grid(p.d_weight) : grid(p.d_weight_transposed).transposed();
  loss.d_bias = p.d_bias;
  return loss;
}

/// The reference formulas in float on the calling thread, against which tests compare other devices. Allocates memory
/// freely.
class ReferenceDevice final : public Device {
 public:
  const char* name() const override { return "reference"; }

  void fill(Context&, std::span<float> x, float value) const override { std::fill(x.begin(), x.end(), value); }

  void copy(Context&, ConstMatrix x, Matrix y) const override {
    for (std::int64_t r = 0; r < y.rows; ++r) {
      for (std::int64_t c = 0; c < y.columns; ++c) y.at(r, c) = x.at(r, c);
    }
  }

  void axpy(Context&, float a, std::span<const float> x, std::span<float> y) const override {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += a * x[i];
  }

  void scale(Context&, float a, std::span<float> x) const override {
    for (float& value : x) value *= a;
  }

  void clamp(Context&, float limit, std::span<float> x) const override {
    for (float& value : x) value = ref::clamped(limit, value);
  }

  void unary(Context&, Unary op, std::span<const float> x, std::span<float> y) const override {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = ref::unary(op, x[i]);
  }

  void unary_backward(Context&, Unary op, std::span<const float> x, std::span<const float> y, std::span<const float> dy,
                      std::span<float> dx) const override {
    for (std::size_t i = 0; i < dx.size(); ++i) dx[i] += dy[i] * ref::unary_slope(op, x[i], y[i]);
  }

  void binary(Context&, Binary op, std::span<const float> a, std::span<const float> b,
              std::span<float> y) const override {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = ref::binary(op, a[i], b[i]);
  }

  void multiply_add(Context&, std::span<const float> a, std::span<const float> b, std::span<float> y) const override {
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += a[i] * b[i];
  }

  void add_row(Context&, ConstMatrix x, const float* row, Matrix y) const override {
    for (std::int64_t r = 0; r < y.rows; ++r) {
      for (std::int64_t c = 0; c < y.columns; ++c) y.at(r, c) = x.at(r, c) + row[c];
    }
  }

  void add_column_sums(Context&, ConstMatrix x, float* sums) const override { ref::add_column_sums(grid(x), sums); }

  double sum(Context&, std::span<const float> x) const override {
    double total = 0;
    for (const float value : x) total += value;
    return total;
  }

  double sum_of_squares(Context&, std::span<const float> x) const override {
    double total = 0;
    for (const double value : x) total += value * value;
    return total;
  }

  void gemm(Context&, ConstMatrix a, ConstMatrix b, Matrix c, Accumulate start) const override {
    const ref::InitialC from = start.kind == Accumulate::overwrite  ? ref::InitialC::zero
                               : start.kind == Accumulate::bias_row ? ref::InitialC::row
                                                                    : ref::InitialC::c;
    ref::gemm(grid(a), grid(b), grid(c), from, start.bias);
  }

  void weight_gradient(Context&, ConstMatrix x, ConstMatrix dy, Matrix dw, float* db) const override {
    ref::gemm(grid(x.transposed()), grid(dy), grid(dw), ref::InitialC::c, nullptr);
    if (db != nullptr) ref::add_column_sums(grid(dy), db);
  }

  PackedMatrix pack(Context&, ConstMatrix b) const override { return {b, {}}; }

  void gemm_packed(Context& context, ConstMatrix a, const PackedView& b, Matrix c, Accumulate start) const override {
    gemm(context, a, b.matrix, c, start);
  }

  void gather_rows(Context&, ConstMatrix table, std::span<const std::int32_t> ids, const float* bias,
                   Matrix y) const override {
    ref::gather_rows(grid(table), ids, bias, grid(y));
  }

  void scatter_add_rows(Context&, std::span<const std::int32_t> ids, ConstMatrix dy, Matrix dtable) const override {
    ref::scatter_add_rows(ids, grid(dy), grid(dtable));
  }

  void dropout(Context&, const Random& random, std::uint64_t first, float p, std::span<const float> x,
               std::span<float> y, bool add) const override {
    for (std::size_t i = 0; i < y.size(); ++i) {
      const float kept = x[i] * ref::dropout_factor<float>(random, first + i, p);
      y[i] = add ? y[i] + kept : kept;
    }
  }

  void layer_norm(Context&, ConstMatrix x, const float* gain, const float* bias, float epsilon, Matrix normalized,
                  float* scales, Matrix y) const override {
    ref::layer_norm(grid(x), gain, bias, epsilon, grid(normalized), scales, grid(y));
  }

  void layer_norm_backward(Context&, ConstMatrix normalized, const float* scales, const float* gain, ConstMatrix dy,
                           Matrix dx, float* d_gain, float* d_bias) const override {
    ref::layer_norm_backward(grid(normalized), scales, gain, grid(dy), grid(dx), d_gain, d_bias);
  }

  void softmax(Context&, Softmax kind, ConstMatrix x, Matrix y) const override { ref::softmax(kind, grid(x), grid(y)); }

  void softmax_backward(Context&, Softmax kind, ConstMatrix y, ConstMatrix dy, Matrix dx) const override {
    ref::softmax_backward(kind, grid(y), grid(dy), grid(dx));
  }

  void cross_entropy(Context&, ConstMatrix logits, std::span<const std::int32_t> targets, std::span<float> row_loss,
                     Matrix d_logits) const override {
    for (std::int64_t n = 0; n < logits.rows; ++n) {
      const auto row = static_cast<std::size_t>(n);
      for (std::int64_t j = 0; j < logits.columns; ++j) d_logits.at(n, j) = logits.at(n, j);
      row_loss[row] = ref::softmax_cross_entropy(d_logits.row(n), logits.columns, targets[row]);
    }
  }

  void linear_cross_entropy(Context&, LinearCrossEntropy& problem) const override {
    ref::LinearLoss<float> loss = loss_of(problem);
    ref::linear_cross_entropy(loss);
    problem.loss_sum = loss.loss_sum;
    problem.correct = loss.correct;
  }

  void recurrent_forward(Context&, const RecurrentSequence& sequence) const override {
    ref::recurrent_forward(sequence_of(sequence));
  }

  Buffer pack_recurrent(Context&, CellType, std::int64_t, const float*) const override { return {}; }

  void recurrent_backward(Context&, const RecurrentSequence& sequence,
                          const RecurrentGradient& gradient) const override {
    ref::recurrent_backward(sequence_of(sequence),
                            ref::SequenceGradient<float>{gradient.output, gradient.h, gradient.c});
  }

  void choose(Context&, Matrix logits, float temperature, std::span<const double> fractions,
              std::span<std::int32_t> chosen) const override {
    for (std::int64_t r = 0; r < logits.rows; ++r) {
      const auto row = static_cast<std::size_t>(r);
      chosen[row] = ref::choose({logits.row(r), static_cast<std::size_t>(logits.columns)},
                                static_cast<double>(temperature), fractions[row]);
    }
  }

  void sgd(Context&, float learning_rate, std::span<const float> gradient, std::span<float> value) const override {
    for (std::size_t i = 0; i < value.size(); ++i) ref::sgd(learning_rate, gradient[i], value[i]);
  }

  void sgd_momentum(Context&, const MomentumStep& step, std::span<const float> gradient, std::span<float> velocity,
                    std::span<float> value) const override {
    for (std::size_t i = 0; i < value.size(); ++i) ref::sgd_momentum(step, gradient[i], velocity[i], value[i]);
  }

  void adam(Context&, const AdamStep& step, std::span<const float> gradient, std::span<float> first_moment,
            std::span<float> second_moment, std::span<float> value) const override {
    for (std::size_t i = 0; i < value.size(); ++i) {
      ref::adam(step, gradient[i], first_moment[i], second_moment[i], value[i]);
    }
  }

  void rmsprop(Context&, const RmsPropStep& step, std::span<const float> gradient, std::span<float> second_moment,
               std::span<float> value) const override {
    for (std::size_t i = 0; i < value.size(); ++i) ref::rmsprop(step, gradient[i], second_moment[i], value[i]);
  }
};

}  // namespace

const Device& reference_device() {
  static const ReferenceDevice device;
  return device;
}

}  // namespace unroll
