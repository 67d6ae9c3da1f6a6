#include "device/cpu/cpu_device.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>

#include "base/parallel.h"
#include "base/simd.h"
#include "device/cpu/choose.h"
#include "device/cpu/elementwise.h"
#include "device/cpu/gemm.h"
#include "device/cpu/layer_norm.h"
#include "device/cpu/recurrent.h"

namespace unroll {
namespace {

// Minimum length of a part of a flat loop that is worth a thread.
constexpr std::int64_t flat_grain = 1 << 16;

template <class Loop>
void flat(Context& context, std::size_t size, const Loop& loop) {
  parallel_for(context, static_cast<std::int64_t>(size), flat_grain,
               [&](std::int64_t begin, std::int64_t end) { loop(begin, end - begin); });
}

/// Sums term(x[i]) over fixed chunks, each on one thread, and adds the chunks in order. A chunk whose sum overflows in
/// float is added again in double, so that the result is finite if all elements are.
template <class ChunkSum, class Term>
double chunked_sum(Context& context, std::span<const float> x, const ChunkSum& chunk_sum, const Term& term) {
  constexpr std::int64_t chunk = 4096;
  const std::int64_t size = static_cast<std::int64_t>(x.size()), chunks = (size + chunk - 1) / chunk;
  const Buffer partial = context.allocate_on_host(static_cast<std::size_t>(chunks));
  parallel_for(context, chunks, flat_grain / chunk, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      partial.data()[i] = chunk_sum(x.data() + i * chunk, std::min(chunk, size - i * chunk));
    }
  });
  double total = 0;
  for (std::int64_t i = 0; i < chunks; ++i) {
    const float of_chunk = partial.data()[i];
    if (std::isfinite(of_chunk)) {
      total += static_cast<double>(of_chunk);
      continue;
    }
    for (std::int64_t j = i * chunk; j < std::min(size, (i + 1) * chunk); ++j)
      total += term(static_cast<double>(x[static_cast<std::size_t>(j)]));
  }
  return total;
}

/// Copies rows begin .. end-1. The cache lines read for the columns of a block stay in the cache from row to row.
void copy_strided(const ConstMatrix& x, const Matrix& y, std::int64_t begin, std::int64_t end) {
  constexpr std::int64_t block = 64;
  for (std::int64_t first = 0; first < x.columns; first += block) {
    for (std::int64_t r = begin; r < end; ++r) {
      for (std::int64_t c = first; c < std::min(first + block, x.columns); ++c) y.at(r, c) = x.at(r, c);
    }
  }
}

class CpuDevice final : public Device {
 public:
  const char* name() const override {
    const std::string target = simd_target();
    return target == "avx3"   ? "cpu (AVX-512)"
           : target == "avx2" ? "cpu (AVX2)"
           : target == "sse4" ? "cpu (SSE4)"
                              : "cpu (scalar)";
  }

  void fill(Context& context, std::span<float> x, float value) const override {
    flat(context, x.size(), [&](std::int64_t at, std::int64_t count) { std::fill_n(x.data() + at, count, value); });
  }
  void copy(Context& context, ConstMatrix x, Matrix y) const override {
    parallel_for(context, x.rows, 1 + flat_grain / (x.columns + 1), [&](std::int64_t begin, std::int64_t end) {
      if (x.column_stride != 1) return copy_strided(x, y, begin, end);
      for (std::int64_t r = begin; r < end; ++r) std::copy_n(x.data + r * x.row_stride, x.columns, y.row(r));
    });
  }
  void axpy(Context& context, float a, std::span<const float> x, std::span<float> y) const override {
    flat(context, x.size(),
         [&](std::int64_t at, std::int64_t count) { cpu::axpy(a, x.data() + at, y.data() + at, count); });
  }
  void scale(Context& context, float a, std::span<float> x) const override {
    flat(context, x.size(), [&](std::int64_t at, std::int64_t count) { cpu::scale(a, x.data() + at, count); });
  }
  void clamp(Context& context, float limit, std::span<float> x) const override {
    flat(context, x.size(), [&](std::int64_t at, std::int64_t count) { cpu::clamp(limit, x.data() + at, count); });
  }
  void unary(Context& context, Unary op, std::span<const float> x, std::span<float> y) const override {
    flat(context, x.size(),
         [&](std::int64_t at, std::int64_t count) { cpu::unary(op, x.data() + at, y.data() + at, count); });
  }
  void unary_backward(Context& context, Unary op, std::span<const float> x, std::span<const float> y,
                      std::span<const float> dy, std::span<float> dx) const override {
    flat(context, x.size(), [&](std::int64_t at, std::int64_t count) {
      cpu::unary_backward(op, x.data() + at, y.data() + at, dy.data() + at, dx.data() + at, count);
    });
  }
  void binary(Context& context, Binary op, std::span<const float> a, std::span<const float> b,
              std::span<float> y) const override {
    flat(context, a.size(), [&](std::int64_t at, std::int64_t count) {
      cpu::binary(op, a.data() + at, b.data() + at, y.data() + at, count);
    });
  }
  void multiply_add(Context& context, std::span<const float> a, std::span<const float> b,
                    std::span<float> y) const override {
    flat(context, a.size(), [&](std::int64_t at, std::int64_t count) {
      cpu::multiply_add(a.data() + at, b.data() + at, y.data() + at, count);
    });
  }
  void add_row(Context& context, ConstMatrix x, const float* row, Matrix y) const override {
    parallel_for(context, x.rows, 1 + flat_grain / (x.columns + 1), [&](std::int64_t begin, std::int64_t end) {
      if (x.column_stride != 1) copy_strided(x, y, begin, end);
      for (std::int64_t r = begin; r < end; ++r) {
        const float* const from = x.column_stride == 1 ? x.data + r * x.row_stride : y.row(r);
        cpu::binary(Binary::add, from, row, y.row(r), x.columns);
      }
    });
  }
  void add_column_sums(Context& context, ConstMatrix x, float* sums) const override {
    parallel_for(context, x.columns, 64 + flat_grain / (x.rows + 1), [&](std::int64_t begin, std::int64_t end) {
      if (x.column_stride == 1) return cpu::add_column_sums(x, sums, begin, end);
      for (std::int64_t c = begin; c < end; ++c) {
        for (std::int64_t r = 0; r < x.rows; ++r) sums[c] += x.at(r, c);
      }
    });
  }
  double sum(Context& context, std::span<const float> x) const override {
    return chunked_sum(context, x, cpu::sum, [](double v) { return v; });
  }
  double sum_of_squares(Context& context, std::span<const float> x) const override {
    return chunked_sum(context, x, cpu::sum_of_squares, [](double v) { return v * v; });
  }

  void gemm(Context& context, ConstMatrix a, ConstMatrix b, Matrix c, Accumulate start) const override {
    cpu::gemm(context, a, b, c, start);
  }
  void weight_gradient(Context& context, ConstMatrix x, ConstMatrix dy, Matrix dw, float* db) const override {
    cpu::gemm(context, x.transposed(), dy, dw, Accumulate::onto_c(), db);
  }
  PackedMatrix pack(Context& context, ConstMatrix b) const override { return {b, cpu::packed_right(context, b)}; }
  void gemm_packed(Context& context, ConstMatrix a, const PackedView& b, Matrix c, Accumulate start) const override {
    cpu::gemm_packed(context, a, b, c, start);
  }

  void gather_rows(Context& context, ConstMatrix table, std::span<const std::int32_t> ids, const float* bias,
                   Matrix y) const override {
    parallel_for(context, y.rows, 1 + flat_grain / (y.columns + 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) {
        const float* row = table.data + ids[static_cast<std::size_t>(r)] * table.row_stride;
        if (bias == nullptr) {
          std::copy_n(row, y.columns, y.row(r));
        } else {
          cpu::binary(Binary::add, row, bias, y.row(r), y.columns);
        }
      }
    });
  }
  void scatter_add_rows(Context& context, std::span<const std::int32_t> ids, ConstMatrix dy,
                        Matrix dtable) const override {
    // Divided by columns, because one id may occur in many rows, and these are added in order.
    parallel_for(context, dy.columns, 64 + flat_grain / (dy.rows + 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = 0; r < dy.rows; ++r) {
        cpu::axpy(1, dy.data + r * dy.row_stride + begin, dtable.row(ids[static_cast<std::size_t>(r)]) + begin,
                  end - begin);
      }
    });
  }

  void dropout(Context& context, const Random& random, std::uint64_t first, float p, std::span<const float> x,
               std::span<float> y, bool add) const override {
    constexpr std::int64_t chunk = 1024;
    flat(context, x.size(), [&](std::int64_t at, std::int64_t count) {
      float uniform[chunk];
      for (const std::int64_t end = at + count; at < end; at += chunk) {
        const std::int64_t size = std::min(chunk, end - at);
        random.uniforms(first + static_cast<std::uint64_t>(at), {uniform, static_cast<std::size_t>(size)});
        cpu::dropout(uniform, p, x.data() + at, y.data() + at, size, add);
      }
    });
  }

  void layer_norm(Context& context, ConstMatrix x, const float* gain, const float* bias, float epsilon,
                  Matrix normalized, float* scales, Matrix y) const override {
    parallel_for(context, x.rows, 1 + flat_grain / (x.columns + 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        scales[r] =
            cpu::layer_norm(x.data + r * x.row_stride, gain, bias, epsilon, x.columns, normalized.row(r), y.row(r));
    });
  }
  void layer_norm_backward(Context& context, ConstMatrix normalized, const float* scales, const float* gain,
                           ConstMatrix dy, Matrix dx, float* d_gain, float* d_bias) const override {
    const auto row = [](const ConstMatrix& m, std::int64_t r) { return m.data + r * m.row_stride; };
    parallel_for(context, dy.rows, 1 + flat_grain / (dy.columns + 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        cpu::layer_norm_backward(row(normalized, r), scales[r], gain, row(dy, r), dy.columns, dx.row(r));
    });
    for (std::int64_t r = 0; r < dy.rows; ++r) cpu::multiply_add(row(dy, r), row(normalized, r), d_gain, dy.columns);
    add_column_sums(context, dy, d_bias);
  }

  void softmax(Context& context, Softmax kind, ConstMatrix x, Matrix y) const override {
    parallel_for(context, x.rows, 1 + flat_grain / (x.columns + 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r) cpu::softmax(kind, x.data + r * x.row_stride, x.columns, y.row(r));
    });
  }
  void softmax_backward(Context& context, Softmax kind, ConstMatrix y, ConstMatrix dy, Matrix dx) const override {
    parallel_for(context, dx.rows, 1 + flat_grain / (dx.columns + 1), [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t r = begin; r < end; ++r)
        cpu::softmax_backward(kind, y.data + r * y.row_stride, dy.data + r * dy.row_stride, dx.columns, dx.row(r));
    });
  }

  void cross_entropy(Context& context, ConstMatrix logits, std::span<const std::int32_t> targets,
                     std::span<float> row_loss, Matrix d_logits) const override {
    parallel_for(context, logits.rows, 1 + flat_grain / (logits.columns + 1),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) {
                     const auto row = static_cast<std::size_t>(r);
                     std::copy_n(logits.data + r * logits.row_stride, logits.columns, d_logits.row(r));
                     row_loss[row] = cpu::softmax_cross_entropy(d_logits.row(r), logits.columns, targets[row], 1).loss;
                   }
                 });
  }

  void linear_cross_entropy(Context& context, LinearCrossEntropy& problem) const override {
    cpu::linear_cross_entropy(context, problem);
  }

  void recurrent_forward(Context& context, const RecurrentSequence& s) const override {
    const Buffer own = s.packed == nullptr ? pack_recurrent(context, s.cell, s.hidden, s.weight) : Buffer();
    const float* packed = s.packed == nullptr ? own.data() : s.packed;
    if (s.steps == 1) return cpu::recurrent_step(context, s, packed);
    const std::int64_t panels = cpu::gate_panel_count(s.cell, s.hidden);
    parallel_for(context, s.batch, row_grain(s), [&](std::int64_t begin, std::int64_t end) {
      cpu::recurrent_forward_part(s, packed, {begin, end, 0, panels});
    });
  }
  Buffer pack_recurrent(Context& context, CellType cell, std::int64_t hidden, const float* weight) const override {
    Buffer packed = context.allocate_on_host(cpu::packed_gates_size(cell, hidden));
    const std::int64_t panels = cpu::gate_panel_count(cell, hidden), size = gate_count(cell) * hidden * hidden;
    parallel_for(context, panels, 1 + flat_grain * panels / size, [&](std::int64_t begin, std::int64_t end) {
      cpu::pack_gates(cell, hidden, weight, packed.data(), begin, end);
    });
    return packed;
  }

  void recurrent_backward(Context& context, const RecurrentSequence& s,
                          const RecurrentGradient& gradient) const override {
    const std::int64_t width = gate_count(s.cell) * s.hidden, split = s.cell == CellType::gru ? 2 * s.hidden : width;
    const ConstMatrix weight(s.weight, s.hidden, width);
    const cpu::PackedB gates(context, weight.column_range(0, split).transposed());
    std::optional<cpu::PackedB> candidate;
    if (split < width) candidate.emplace(context, weight.column_range(split, width - split).transposed());
    const cpu::PackedTranspose packed{gates.data(), candidate ? candidate->data() : nullptr};
    parallel_for(context, s.batch, row_grain(s), [&](std::int64_t begin, std::int64_t end) {
      cpu::recurrent_backward_rows(s, gradient, packed, begin, end);
    });
  }

  void choose(Context& context, Matrix logits, float temperature, std::span<const double> fractions,
              std::span<std::int32_t> chosen) const override {
    parallel_for(context, logits.rows, 1 + flat_grain / (logits.columns + 1),
                 [&](std::int64_t begin, std::int64_t end) {
                   for (std::int64_t r = begin; r < end; ++r) {
                     const auto row = static_cast<std::size_t>(r);
                     chosen[row] = cpu::choose(logits.row(r), logits.columns, temperature, fractions[row]);
                   }
                 });
  }

  void sgd(Context& context, float learning_rate, std::span<const float> gradient,
           std::span<float> value) const override {
    flat(context, value.size(), [&](std::int64_t at, std::int64_t count) {
      cpu::sgd(learning_rate, gradient.data() + at, value.data() + at, count);
    });
  }
  void sgd_momentum(Context& context, const MomentumStep& step, std::span<const float> gradient,
                    std::span<float> velocity, std::span<float> value) const override {
    flat(context, value.size(), [&](std::int64_t at, std::int64_t count) {
      cpu::sgd_momentum(step, gradient.data() + at, velocity.data() + at, value.data() + at, count);
    });
  }
  void adam(Context& context, const AdamStep& step, std::span<const float> gradient, std::span<float> first_moment,
            std::span<float> second_moment, std::span<float> value) const override {
    flat(context, value.size(), [&](std::int64_t at, std::int64_t count) {
      cpu::adam(step, gradient.data() + at, first_moment.data() + at, second_moment.data() + at, value.data() + at,
                count);
    });
  }
  void rmsprop(Context& context, const RmsPropStep& step, std::span<const float> gradient,
               std::span<float> second_moment, std::span<float> value) const override {
    flat(context, value.size(), [&](std::int64_t at, std::int64_t count) {
      cpu::rmsprop(step, gradient.data() + at, second_moment.data() + at, value.data() + at, count);
    });
  }

 private:
  /// Number of rows of the batch that are worth a thread over the whole sequence.
  static std::int64_t row_grain(const RecurrentSequence& s) {
    return cpu::grain(s.steps * s.hidden * s.hidden * gate_count(s.cell));
  }
};

}  // namespace

const Device& cpu_device() {
  static const CpuDevice device;
  return device;
}

}  // namespace unroll
