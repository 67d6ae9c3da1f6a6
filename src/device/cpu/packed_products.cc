#include <algorithm>

#include "base/parallel.h"
#include "device/cpu/cpu_device.h"
#include "device/cpu/gemm.h"
#include "device/cpu/recurrent.h"

// Products of a few rows with packed weights: the steps of generation.

namespace unroll::cpu {
namespace {

/// With fewer rows than this, a product takes as long as reading its weights from the cache.
constexpr std::int64_t memory_bound_rows = 16;

/// Number of rows per work item of a step if there are too few panels for the threads: several strips, so that the
/// panel is read from the nearest cache.
constexpr std::int64_t rows_per_item = 12;

/// Minimum number of panels per thread for which equal numbers of panels are about equal work.
constexpr std::int64_t min_panels_per_thread = 4;

}  // namespace

void gemm_packed(Context& context, const ConstMatrix& a, const PackedView& b, const Matrix& c, Accumulate start) {
  if (c.rows == 0 || c.columns == 0) return;
  Product product;
  product.a = a;
  product.b = b.matrix;
  product.packed_b = b.packed;
  product.c = c;
  product.start = start;
  product.row_splits = row_splits(product, context.threads());
  const std::int64_t parts = part_count(product);
  const std::int64_t multiplies = a.columns * c.columns * std::max(c.rows, memory_bound_rows);
  parallel_for(context, parts, grain(multiplies / parts),
               [&](std::int64_t begin, std::int64_t end) { multiply(product, begin, end); });
}

void recurrent_step(Context& context, const RecurrentSequence& s, const float* packed_gates) {
  const std::int64_t panels = gate_panel_count(s.cell, s.hidden);
  const std::int64_t blocks =
      panels >= min_panels_per_thread * context.threads() ? 1 : (s.batch + rows_per_item - 1) / rows_per_item;
  const std::int64_t multiplies = gate_count(s.cell) * s.hidden * s.hidden * std::max(s.batch, memory_bound_rows);
  parallel_for(context, panels * blocks, grain(multiplies / (panels * blocks)),
               [&](std::int64_t begin, std::int64_t end) {
                 // Items are numbered block by block: the panels of one block of rows, then those of the next.
                 for (std::int64_t block = begin / panels; block * panels < end; ++block) {
                   const std::int64_t first = std::max(begin - block * panels, std::int64_t{0}),
                                      last = std::min(end - block * panels, panels);
                   recurrent_forward_part(s, packed_gates,
                                          {s.batch * block / blocks, s.batch * (block + 1) / blocks, first, last});
                 }
               });
}

}  // namespace unroll::cpu
