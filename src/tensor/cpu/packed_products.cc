#include <algorithm>

#include "base/parallel.h"
#include "tensor/cpu/cpu_device.h"
#include "tensor/cpu/gemm.h"
#include "tensor/cpu/recurrent.h"

// Products of a few rows with weights that were packed once: the steps of generation.

namespace unroll::cpu {
namespace {

/// With fewer rows than this, a product takes as long as its weights take to come out of the cache.
constexpr std::int64_t rows_hidden_by_reading = 16;

/// Rows that one item of a step's work holds where the panels alone are too few for the threads: several strips, so
/// that the panel is read from the nearest cache.
constexpr std::int64_t rows_per_item = 12;

/// Panels for each thread from which on an equal number of them is about equal work.
constexpr std::int64_t enough_panels = 4;

}  // namespace

void gemm_packed(Context& context, const ConstMatrix& a, const PackedMatrix& b, const Matrix& c, Start start) {
  if (c.rows == 0 || c.columns == 0) return;
  Product product;
  product.a = a;
  product.b = b.matrix;
  product.packed_b = b.packed.data();
  product.c = c;
  product.start = start;
  product.row_splits = row_splits(product, context.threads());
  const std::int64_t parts = part_count(product);
  const std::int64_t multiplies = a.columns * c.columns * std::max(c.rows, rows_hidden_by_reading);
  parallel_for(context, parts, grain(multiplies / parts),
               [&](std::int64_t begin, std::int64_t end) { multiply(product, begin, end); });
}

void recurrent_step(Context& context, const RecurrentSequence& s, const float* packed_gates) {
  const std::int64_t panels = gate_panel_count(s.cell, s.hidden);
  const std::int64_t blocks =
      panels >= enough_panels * context.threads() ? 1 : (s.batch + rows_per_item - 1) / rows_per_item;
  const std::int64_t multiplies = gate_count(s.cell) * s.hidden * s.hidden * std::max(s.batch, rows_hidden_by_reading);
  parallel_for(context, panels * blocks, grain(multiplies / (panels * blocks)),
               [&](std::int64_t begin, std::int64_t end) {
                 // Item after item: the panels of one block of rows, then those of the next.
                 for (std::int64_t block = begin / panels; block * panels < end; ++block) {
                   const std::int64_t first = std::max(begin - block * panels, std::int64_t{0}),
                                      last = std::min(end - block * panels, panels);
                   recurrent_forward_part(s, packed_gates,
                                          {s.batch * block / blocks, s.batch * (block + 1) / blocks, first, last});
                 }
               });
}

}  // namespace unroll::cpu
