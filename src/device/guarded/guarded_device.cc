#include "base/check.h"
#include "base/guarded_memory.h"
#include "device/device.h"

namespace unroll {
namespace {

// The places of operands and results, for the cpu device.

float* at(const float* address) { return address == nullptr ? nullptr : guarded_memory().place_of(address); }
std::span<float> at(std::span<float> values) { return {at(values.empty() ? nullptr : values.data()), values.size()}; }
std::span<const float> at(std::span<const float> values) {
  return {at(values.empty() ? nullptr : values.data()), values.size()};
}
ConstMatrix at(ConstMatrix matrix) {
  matrix.data = at(matrix.rows == 0 || matrix.columns == 0 ? nullptr : matrix.data);
  return matrix;
}
Matrix at(Matrix matrix) {
  matrix.data = at(matrix.rows == 0 || matrix.columns == 0 ? nullptr : matrix.data);
  return matrix;
}
Accumulate at(Accumulate start) {
  start.bias = at(start.bias);
  return start;
}
RecurrentSequence at(RecurrentSequence s) {
  s.gates = at(s.gates);
  s.candidate = at(s.candidate);
  s.weight = at(s.weight);
  s.packed = at(s.packed);
  s.bias = at(s.bias);
  s.h = at(s.h);
  s.c = at(s.c);
  return s;
}
RecurrentGradient at(const RecurrentGradient& gradient) {
  return {at(gradient.output), at(gradient.h), at(gradient.c)};
}

/// The cpu device packs into memory of the host.
Buffer moved_to_device(Context& context, const Buffer& packed) {
  if (packed.data() == nullptr) return {};
  Buffer moved = context.allocate(packed.size());
  guarded_memory().upload({packed.data(), packed.size()}, moved.data());
  return moved;
}

class GuardedDevice final : public Device {
 public:
  const char* name() const override { return "guarded"; }

  void fill(Context& context, std::span<float> x, float value) const override { cpu_.fill(context, at(x), value); }
  void copy(Context& context, ConstMatrix x, Matrix y) const override { cpu_.copy(context, at(x), at(y)); }
  void axpy(Context& context, float a, std::span<const float> x, std::span<float> y) const override {
    cpu_.axpy(context, a, at(x), at(y));
  }
  void scale(Context& context, float a, std::span<float> x) const override { cpu_.scale(context, a, at(x)); }
  void clamp(Context& context, float limit, std::span<float> x) const override { cpu_.clamp(context, limit, at(x)); }
  void unary(Context& context, Unary op, std::span<const float> x, std::span<float> y) const override {
    cpu_.unary(context, op, at(x), at(y));
  }
  void unary_backward(Context& context, Unary op, std::span<const float> x, std::span<const float> y,
                      std::span<const float> dy, std::span<float> dx) const override {
    cpu_.unary_backward(context, op, at(x), at(y), at(dy), at(dx));
  }
  void binary(Context& context, Binary op, std::span<const float> a, std::span<const float> b,
              std::span<float> y) const override {
    cpu_.binary(context, op, at(a), at(b), at(y));
  }
  void multiply_add(Context& context, std::span<const float> a, std::span<const float> b,
                    std::span<float> y) const override {
    cpu_.multiply_add(context, at(a), at(b), at(y));
  }
  void add_row(Context& context, ConstMatrix x, const float* row, Matrix y) const override {
    cpu_.add_row(context, at(x), at(row), at(y));
  }
  void add_column_sums(Context& context, ConstMatrix x, float* sums) const override {
    cpu_.add_column_sums(context, at(x), at(sums));
  }
  double sum(Context& context, std::span<const float> x) const override { return cpu_.sum(context, at(x)); }
  double sum_of_squares(Context& context, std::span<const float> x) const override {
    return cpu_.sum_of_squares(context, at(x));
  }

  void gemm(Context& context, ConstMatrix a, ConstMatrix b, Matrix c, Accumulate start) const override {
    cpu_.gemm(context, at(a), at(b), at(c), at(start));
  }
  void weight_gradient(Context& context, ConstMatrix x, ConstMatrix dy, Matrix dw, float* db) const override {
    cpu_.weight_gradient(context, at(x), at(dy), at(dw), at(db));
  }
  PackedMatrix pack(Context& context, ConstMatrix b) const override {
    return {b, moved_to_device(context, cpu_.pack(context, at(b)).packed)};
  }
  void gemm_packed(Context& context, ConstMatrix a, const PackedView& b, Matrix c, Accumulate start) const override {
    cpu_.gemm_packed(context, at(a), {at(b.matrix), at(b.packed)}, at(c), at(start));
  }

  void gather_rows(Context& context, ConstMatrix table, std::span<const std::int32_t> ids, const float* bias,
                   Matrix y) const override {
    cpu_.gather_rows(context, at(table), ids, at(bias), at(y));
  }
  void scatter_add_rows(Context& context, std::span<const std::int32_t> ids, ConstMatrix dy,
                        Matrix dtable) const override {
    cpu_.scatter_add_rows(context, ids, at(dy), at(dtable));
  }

  void dropout(Context& context, const Random& random, std::uint64_t first, float p, std::span<const float> x,
               std::span<float> y, bool add) const override {
    cpu_.dropout(context, random, first, p, at(x), at(y), add);
  }

  void layer_norm(Context& context, ConstMatrix x, const float* gain, const float* bias, float epsilon,
                  Matrix normalized, float* scales, Matrix y) const override {
    cpu_.layer_norm(context, at(x), at(gain), at(bias), epsilon, at(normalized), at(scales), at(y));
  }
  void layer_norm_backward(Context& context, ConstMatrix normalized, const float* scales, const float* gain,
                           ConstMatrix dy, Matrix dx, float* d_gain, float* d_bias) const override {
    cpu_.layer_norm_backward(context, at(normalized), at(scales), at(gain), at(dy), at(dx), at(d_gain), at(d_bias));
  }

  void softmax(Context& context, Softmax kind, ConstMatrix x, Matrix y) const override {
    cpu_.softmax(context, kind, at(x), at(y));
  }
  void softmax_backward(Context& context, Softmax kind, ConstMatrix y, ConstMatrix dy, Matrix dx) const override {
    cpu_.softmax_backward(context, kind, at(y), at(dy), at(dx));
  }

  void cross_entropy(Context& context, ConstMatrix logits, std::span<const std::int32_t> targets,
                     std::span<float> row_loss, Matrix d_logits) const override {
    cpu_.cross_entropy(context, at(logits), targets, at(row_loss), at(d_logits));
  }

  void linear_cross_entropy(Context& context, LinearCrossEntropy& problem) const override {
    LinearCrossEntropy there = problem;
    there.input = at(problem.input);
    there.weight = at(problem.weight);
    there.bias = at(problem.bias);
    there.d_input = at(problem.d_input);
    there.d_weight = at(problem.d_weight);
    there.d_weight_transposed = at(problem.d_weight_transposed);
    there.d_bias = at(problem.d_bias);
    cpu_.linear_cross_entropy(context, there);
    problem.loss_sum = there.loss_sum;
    problem.correct = there.correct;
  }
  void recurrent_forward(Context& context, const RecurrentSequence& sequence) const override {
    cpu_.recurrent_forward(context, at(sequence));
  }
  Buffer pack_recurrent(Context& context, CellType cell, std::int64_t hidden, const float* weight) const override {
    return moved_to_device(context, cpu_.pack_recurrent(context, cell, hidden, at(weight)));
  }
  void recurrent_backward(Context& context, const RecurrentSequence& sequence,
                          const RecurrentGradient& gradient) const override {
    cpu_.recurrent_backward(context, at(sequence), at(gradient));
  }

  void choose(Context& context, Matrix logits, float temperature, std::span<const double> fractions,
              std::span<std::int32_t> chosen) const override {
    cpu_.choose(context, at(logits), temperature, fractions, chosen);
  }

  void sgd(Context& context, float learning_rate, std::span<const float> gradient,
           std::span<float> value) const override {
    cpu_.sgd(context, learning_rate, at(gradient), at(value));
  }
  void sgd_momentum(Context& context, const MomentumStep& step, std::span<const float> gradient,
                    std::span<float> velocity, std::span<float> value) const override {
    cpu_.sgd_momentum(context, step, at(gradient), at(velocity), at(value));
  }
  void adam(Context& context, const AdamStep& step, std::span<const float> gradient, std::span<float> first_moment,
            std::span<float> second_moment, std::span<float> value) const override {
    cpu_.adam(context, step, at(gradient), at(first_moment), at(second_moment), at(value));
  }
  void rmsprop(Context& context, const RmsPropStep& step, std::span<const float> gradient,
               std::span<float> second_moment, std::span<float> value) const override {
    cpu_.rmsprop(context, step, at(gradient), at(second_moment), at(value));
  }

 private:
  const Device& cpu_ = cpu_device();
};

}  // namespace

const Device& guarded_device() {
  static const GuardedDevice device;
  return device;
}

}  // namespace unroll
