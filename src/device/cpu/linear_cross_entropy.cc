#include <algorithm>
#include <atomic>
#include <optional>

#include "base/parallel.h"
#include "device/cpu/cpu_device.h"
#include "device/cpu/elementwise.h"
#include "device/cpu/gemm.h"

namespace unroll::cpu {
namespace {

// Maximum number of rows of logits in memory. The weight gradient passes through memory once for each such block, so
// blocks have about as many rows as a block of k in the product that computes it.
constexpr std::int64_t rows_per_block = 320;

/// Number of rows whose logits stay in a part of the second-level cache from the product to the softmax and its
/// gradient.
std::int64_t rows_in_cache(std::int64_t classes) {
  constexpr std::int64_t elements = 1 << 16;
  return elements / std::max<std::int64_t>(classes, 1);
}

/// True if the rows that stay in the cache are enough for a product at full speed.
bool fits_cache(std::int64_t classes) {
  constexpr std::int64_t min_rows = 24;
  return rows_in_cache(classes) >= min_rows;
}

class FusedLoss {
 public:
  FusedLoss(Context& context, LinearCrossEntropy& problem)
      : context_(context),
        problem_(problem),
        classes_(problem.weight.columns),
        block_rows_(std::min(rows_per_block, problem.input.rows)),
        logits_(context.allocate_on_host(static_cast<std::size_t>(block_rows_ * classes_))),
        loss_(context.allocate_on_host(static_cast<std::size_t>(block_rows_))) {
    if (!fits_cache(classes_)) return;
    weight_.emplace(context, problem.weight);
    if (problem.with_gradients) weight_transposed_.emplace(context, problem.weight.transposed());
  }

  /// Computes logits, loss and gradients of `rows` rows, at most block_rows_.
  void add_block(std::int64_t first, std::int64_t rows) {
    const Matrix logits(logits_.data(), rows, classes_);
    if (fits_cache(classes_)) {
      add_rows_in_cache(logits, first);
    } else {
      add_all_rows(logits, first);
    }
    for (std::int64_t r = 0; r < rows; ++r) problem_.loss_sum += static_cast<double>(loss_.data()[r]);
    if (problem_.with_gradients) add_weight_gradient(logits, first);
  }

  std::int64_t correct() const { return correct_.load(); }

 private:
  /// Each thread takes a few rows through all three steps while their logits are in its cache. The weights are packed
  /// once, because they are read for every few rows.
  void add_rows_in_cache(const Matrix& logits, std::int64_t first) {
    const std::int64_t in_cache = rows_in_cache(classes_);
    parallel_for(context_, logits.rows, grain(classes_ * problem_.weight.rows),
                 [&](std::int64_t begin, std::int64_t end) {
                   const std::int64_t parts = (end - begin + in_cache - 1) / in_cache;
                   for (std::int64_t part = 0; part < parts; ++part) {
                     const std::int64_t from = begin + (end - begin) * part / parts,
                                        to = begin + (end - begin) * (part + 1) / parts;
                     const Matrix some = logits.row_range(from, to - from);
                     multiply_rows(problem_.input.row_range(first + from, to - from), *weight_, some,
                                   Accumulate::onto_bias(problem_.bias));
                     softmax_rows(logits, first, from, to);
                     if (!problem_.with_gradients) continue;
                     multiply_rows(some, *weight_transposed_, problem_.d_input.row_range(first + from, to - from),
                                   Accumulate::onto_zero());
                   }
                 });
  }

  /// For many classes: logits and weights pass through memory in any case, and a packed copy would only make the
  /// weights larger.
  void add_all_rows(const Matrix& logits, std::int64_t first) {
    gemm(context_, problem_.input.row_range(first, logits.rows), problem_.weight, logits,
         Accumulate::onto_bias(problem_.bias));
    parallel_for(context_, logits.rows, 1,
                 [&](std::int64_t begin, std::int64_t end) { softmax_rows(logits, first, begin, end); });
    if (!problem_.with_gradients) return;
    gemm(context_, logits, problem_.weight.transposed(), problem_.d_input.row_range(first, logits.rows),
         Accumulate::onto_zero());
  }

  /// Computes the loss of the rows [begin, end) of a block that begins at row `first`; replaces their logits by
  /// gradients.
  void softmax_rows(const Matrix& logits, std::int64_t first, std::int64_t begin, std::int64_t end) noexcept {
    std::int64_t correct = 0;
    for (std::int64_t r = begin; r < end; ++r) {
      const SoftmaxLoss row = softmax_cross_entropy(
          logits.row(r), classes_, problem_.targets[static_cast<std::size_t>(first + r)], problem_.scale);
      loss_.data()[r] = row.loss;
      correct += row.correct ? 1 : 0;
    }
    correct_.fetch_add(correct, std::memory_order_relaxed);
  }

  static void multiply_rows(const ConstMatrix& a, const PackedB& b, const Matrix& c, Accumulate start) noexcept {
    Product product;
    product.a = a;
    product.packed_b = b.data();
    product.c = c;
    product.start = start;
    multiply(product, 0, part_count(product));
  }

  void add_weight_gradient(const Matrix& d_logits, std::int64_t first) {
    const ConstMatrix input = problem_.input.row_range(first, d_logits.rows);
    if (problem_.d_weight.data != nullptr) {
      gemm(context_, input.transposed(), d_logits, problem_.d_weight, Accumulate::onto_c(), problem_.d_bias);
      return;
    }
    gemm(context_, ConstMatrix(d_logits).transposed(), input, problem_.d_weight_transposed, Accumulate::onto_c());
    if (problem_.d_bias != nullptr) {
      parallel_for(context_, classes_, 1024, [&](std::int64_t begin, std::int64_t end) {
        add_column_sums(d_logits, problem_.d_bias, begin, end);
      });
    }
  }

  Context& context_;
  LinearCrossEntropy& problem_;
  std::int64_t classes_, block_rows_;
  std::optional<PackedB> weight_, weight_transposed_;  // only if fits_cache(classes_)
  Buffer logits_, loss_;
  std::atomic<std::int64_t> correct_{0};
};

}  // namespace

void linear_cross_entropy(Context& context, LinearCrossEntropy& problem) {
  problem.loss_sum = 0;
  FusedLoss fused(context, problem);
  const std::int64_t total = problem.input.rows, blocks = (total + rows_per_block - 1) / rows_per_block;
  for (std::int64_t block = 0; block < blocks; ++block) {
    const std::int64_t first = total * block / blocks;
    fused.add_block(first, total * (block + 1) / blocks - first);
  }
  problem.correct = fused.correct();
}

}  // namespace unroll::cpu
