#pragma once

#include <cstdint>
#include <span>

#include "tensor/matrix.h"
#include "unroll/cell.h"
#include "unroll/context.h"

namespace unroll {

enum class Unary { negate, tanh, sigmoid, relu, exp, log };
enum class Softmax { probabilities, logarithms };
enum class Binary { add, subtract, multiply, divide };

/// Initial value of C in a product: zero, C itself, or the same row (a bias) in every row.
struct Accumulate {
  enum Kind { overwrite, add, bias_row } kind = overwrite;
  const float* bias = nullptr;  // C.columns values, for a bias row
  static Accumulate onto_zero() { return {}; }
  static Accumulate onto_c() { return {add, nullptr}; }
  /// Zero if `b` is null.
  static Accumulate onto_bias(const float* b) { return b == nullptr ? Accumulate{} : Accumulate{bias_row, b}; }
};

/// A right operand shared by many products: the matrix and, if the device uses one, a copy in the order in which its
/// kernels read it.
struct PackedMatrix {
  ConstMatrix matrix;
  Buffer packed;
};
struct PackedView {
  PackedView(const ConstMatrix& m, const float* p) : matrix(m), packed(p) {}
  PackedView(const PackedMatrix& m) : matrix(m.matrix), packed(m.packed.data()) {}
  ConstMatrix matrix;
  const float* packed;
};

/// One direction of one layer over a whole sequence. `h` has T + 1 slots of [B, H] in time order. Forward in time, the
/// initial state is in slot 0 and step t writes slot t + 1; with `reverse` the initial state is in slot T, step t reads
/// slot t + 1 and writes slot t. So step t always reads previous(t) and writes next(t).
struct RecurrentSequence {
  CellType cell = CellType::rnn;
  Activation activation = Activation::tanh;
  bool reverse = false;
  std::int64_t steps = 0, batch = 0, hidden = 0;  // T, B, H
  float* gates = nullptr;         // [T, B, G*H] in: x W_ih + b_ih; out: the gates after their activation
  float* candidate = nullptr;     // gru: [T, B, H] out: h W_hn + b_hn, before the reset gate
  const float* weight = nullptr;  // [H, G*H] W_hh
  const float* packed = nullptr;  // W_hh by pack_recurrent(); null: packed by each call
  const float* bias = nullptr;    // [G*H] b_hh, or null
  float* h = nullptr;             // [T + 1, B, H]
  float* c = nullptr;             // lstm: [T + 1, B, H]

  std::int64_t slot_size() const { return batch * hidden; }
  std::int64_t previous(std::int64_t t) const { return reverse ? t + 1 : t; }
  std::int64_t next(std::int64_t t) const { return reverse ? t : t + 1; }
  std::int64_t time(std::int64_t position) const { return reverse ? steps - 1 - position : position; }
  float* output() const { return h + (reverse ? 0 : slot_size()); }        // [T, B, H] in time order
  const float* before() const { return h + (reverse ? slot_size() : 0); }  // [T, B, H]: the state each step read
};

/// Gradients through a sequence, in place: `sequence.gates` becomes the gradient of x W_ih + b_ih (and of h W_hh +
/// b_hh, except for the gru's n block), `sequence.candidate` the gradient of h W_hn + b_hn. The caller computes the
/// weight gradients, which are products of these with x and before().
struct RecurrentGradient {
  const float* output = nullptr;  // [T, B, H] gradient of output()
  float* h = nullptr;             // [B, H] in: gradient of the final state; out: of the initial state
  float* c = nullptr;             // lstm: the same for c
};

/// Fused output layer and loss: loss[n] = -log softmax(h[n] W + b)[target[n]], without storing N x V logits.
struct LinearCrossEntropy {
  ConstMatrix input;                      // [N, H]
  ConstMatrix weight;                     // [H, V], or the transpose of a dense [V, H]
  const float* bias = nullptr;            // [V] or null
  std::span<const std::int32_t> targets;  // N
  // Results of every call.
  double loss_sum = 0;       // in nats, added in row order
  std::int64_t correct = 0;  // rows where the target is the first of the largest logits
  // Gradients of scale * loss_sum, if requested (all or none).
  bool with_gradients = false;
  float scale = 1;
  Matrix d_input;              // [N, H] written
  Matrix d_weight;             // [H, V] added to; null: d_weight_transposed is used
  Matrix d_weight_transposed;  // [V, H] added to
  float* d_bias = nullptr;     // [V] added to; null without bias
};

// Parameters of one update. In double, because 1 - 0.999 in float has a relative error of about 1e-5.
struct MomentumStep {
  double learning_rate, momentum;
  bool nesterov;
};
struct AdamStep {
  double learning_rate, beta1, beta2, epsilon;
  double correction1, correction2;  // 1 - beta^t
  double weight_decay = 0;
};
struct RmsPropStep {
  double learning_rate, alpha, epsilon;
};

/// Interface of a compute device. Stateless: memory is passed in the arguments or taken from the context's pool.
/// Callers check sizes. Every result is a pure function of the arguments, bit for bit: it depends neither on the number
/// of threads nor on the division of work. "+=" in a comment means that the result is added to the output's previous
/// value.
class Device {
 public:
  virtual ~Device() = default;

  virtual const char* name() const = 0;  ///< with the SIMD target, e.g. "cpu (AVX-512)"

  virtual void fill(Context&, std::span<float> x, float value) const = 0;
  virtual void copy(Context&, ConstMatrix x, Matrix y) const = 0;
  virtual void axpy(Context&, float a, std::span<const float> x, std::span<float> y) const = 0;  ///< y += a x
  virtual void scale(Context&, float a, std::span<float> x) const = 0;                           ///< x *= a
  /// Clamps x to [-limit, limit]; NaN stays NaN.
  virtual void clamp(Context&, float limit, std::span<float> x) const = 0;
  virtual void unary(Context&, Unary op, std::span<const float> x, std::span<float> y) const = 0;
  /// dx += dy * op'(x), where y = op(x).
  virtual void unary_backward(Context&, Unary op, std::span<const float> x, std::span<const float> y,
                              std::span<const float> dy, std::span<float> dx) const = 0;
  virtual void binary(Context&, Binary op, std::span<const float> a, std::span<const float> b,
                      std::span<float> y) const = 0;
  virtual void multiply_add(Context&, std::span<const float> a, std::span<const float> b,
                            std::span<float> y) const = 0;  ///< y += a * b
  /// y = x + row, for every row; y may be x.
  virtual void add_row(Context&, ConstMatrix x, const float* row, Matrix y) const = 0;
  virtual void add_column_sums(Context&, ConstMatrix x, float* sums) const = 0;  ///< sums += rows of x, in order
  virtual double sum(Context&, std::span<const float> x) const = 0;
  virtual double sum_of_squares(Context&, std::span<const float> x) const = 0;

  /// C = start + A B. Each element is one chain of multiply-adds in ascending k.
  virtual void gemm(Context&, ConstMatrix a, ConstMatrix b, Matrix c, Accumulate start) const = 0;
  /// Gradients of x W + b: dw += x^T dy and, if db is not null, db += the column sums of dy, in row order.
  virtual void weight_gradient(Context&, ConstMatrix x, ConstMatrix dy, Matrix dw, float* db) const = 0;
  /// Packs B for repeated products with few rows.
  virtual PackedMatrix pack(Context&, ConstMatrix b) const = 0;
  /// gemm with a packed B; the same result, bit for bit.
  virtual void gemm_packed(Context&, ConstMatrix a, const PackedView& b, Matrix c, Accumulate start) const = 0;

  /// y[n] = table[ids[n]] + bias (a one-hot matrix times `table`); bias may be null.
  virtual void gather_rows(Context&, ConstMatrix table, std::span<const std::int32_t> ids, const float* bias,
                           Matrix y) const = 0;
  /// dtable[ids[n]] += dy[n], in the order of n.
  virtual void scatter_add_rows(Context&, std::span<const std::int32_t> ids, ConstMatrix dy, Matrix dtable) const = 0;

  /// y = x * mask / (1 - p), or += if `add`; mask[i] = random.uniform(first + i) >= p. The backward pass is the same
  /// call on dy and dx with add = true.
  virtual void dropout(Context&, const Random& random, std::uint64_t first, float p, std::span<const float> x,
                       std::span<float> y, bool add) const = 0;

  /// For each row of x: normalized = (x - mean) * scale, scale = 1 / sqrt(variance + epsilon); y = normalized * gain +
  /// bias. The matrices are dense and of one size; one scale per row.
  virtual void layer_norm(Context&, ConstMatrix x, const float* gain, const float* bias, float epsilon,
                          Matrix normalized, float* scales, Matrix y) const = 0;
  /// Adds the gradients of layer_norm to dx and, in row order, to d_gain and d_bias; `normalized` and `scales` are its
  /// results.
  virtual void layer_norm_backward(Context&, ConstMatrix normalized, const float* scales, const float* gain,
                                   ConstMatrix dy, Matrix dx, float* d_gain, float* d_bias) const = 0;

  /// y = softmax(x) or its logarithm, for each row. x and y are dense, of one size, and do not overlap.
  virtual void softmax(Context&, Softmax kind, ConstMatrix x, Matrix y) const = 0;
  /// dx += the gradient of softmax() with respect to x; y is its result. The matrices are dense and of one size.
  virtual void softmax_backward(Context&, Softmax kind, ConstMatrix y, ConstMatrix dy, Matrix dx) const = 0;

  /// row_loss[n] = -log softmax(logits[n])[targets[n]], d_logits = softmax - one_hot(targets).
  virtual void cross_entropy(Context&, ConstMatrix logits, std::span<const std::int32_t> targets,
                             std::span<float> row_loss, Matrix d_logits) const = 0;

  virtual void linear_cross_entropy(Context&, LinearCrossEntropy& problem) const = 0;
  virtual void recurrent_forward(Context&, const RecurrentSequence& sequence) const = 0;
  /// Packs W_hh [H, G*H] for RecurrentSequence::packed; empty if the device does not use it.
  virtual Buffer pack_recurrent(Context&, CellType cell, std::int64_t hidden, const float* weight) const = 0;
  virtual void recurrent_backward(Context&, const RecurrentSequence& sequence,
                                  const RecurrentGradient& gradient) const = 0;

  /// Chooses one column for each row of logits. Temperature 0: the first of the largest; otherwise the first column at
  /// which the cumulative sum of the weights exp(logit / temperature) exceeds fractions[r] (in [0, 1)) of their total.
  /// -1 if a logit of the row is not finite. Overwrites the logits.
  virtual void choose(Context&, Matrix logits, float temperature, std::span<const double> fractions,
                      std::span<std::int32_t> chosen) const = 0;

  // Optimizer updates; formulas in ref/optimizers.h.
  virtual void sgd(Context&, float learning_rate, std::span<const float> gradient, std::span<float> value) const = 0;
  virtual void sgd_momentum(Context&, const MomentumStep& step, std::span<const float> gradient,
                            std::span<float> velocity, std::span<float> value) const = 0;
  virtual void adam(Context&, const AdamStep& step, std::span<const float> gradient, std::span<float> first_moment,
                    std::span<float> second_moment, std::span<float> value) const = 0;
  virtual void rmsprop(Context&, const RmsPropStep& step, std::span<const float> gradient,
                       std::span<float> second_moment, std::span<float> value) const = 0;
};

const Device& cpu_device();
const Device& reference_device();

/// Computes as the cpu device does, in guarded_memory(). An operand or a result elsewhere fails a check.
const Device& guarded_device();

inline const Device& device_of(const Context& context) {
  switch (context.device()) {
    case DeviceKind::reference:
      return reference_device();
    case DeviceKind::guarded:
      return guarded_device();
    default:
      return cpu_device();
  }
}

}  // namespace unroll
