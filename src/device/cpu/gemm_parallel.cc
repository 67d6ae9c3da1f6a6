#include <algorithm>

#include "base/parallel.h"
#include "device/cpu/cpu_device.h"
#include "device/cpu/gemm.h"

namespace unroll::cpu {
namespace {

// Waking a thread costs a few microseconds: the time of about this many multiply-adds or copied elements.
constexpr std::int64_t multiplies_per_part = 1 << 19, elements_per_part = 1 << 15;

}  // namespace

std::int64_t grain(std::int64_t multiplies_per_item) { return 1 + multiplies_per_part / (multiplies_per_item + 1); }

Buffer packed_right(Context& context, const ConstMatrix& b) {
  Buffer packed = context.allocate_on_host(packed_b_size(b.rows, b.columns));
  const std::int64_t panels = panel_count(b.columns),
                     per_panel = std::max<std::int64_t>(1, b.rows * b.columns / std::max<std::int64_t>(panels, 1));
  parallel_for(context, panels, 1 + elements_per_part / per_panel,
               [&](std::int64_t begin, std::int64_t end) { pack_b(b, packed.data(), begin, end); });
  return packed;
}

void gemm(Context& context, const ConstMatrix& a, const ConstMatrix& b, const Matrix& c, Accumulate start,
          float* column_sums) {
  if (c.rows == 0 || c.columns == 0) return;
  Product product;
  product.a = a;
  product.b = b;
  product.c = c;
  product.start = start;
  product.column_sums = column_sums;
  product.row_splits = row_splits(product, context.threads());
  const std::int64_t parts = part_count(product);
  const std::int64_t ranges =
      std::clamp<std::int64_t>(parts / grain(a.columns * a.rows * b.columns / parts), 1, context.threads());
  const std::size_t size = workspace_size(product);
  const Buffer workspace = context.allocate_on_host(static_cast<std::size_t>(ranges) * size);
  parallel_for(context, ranges, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t range = begin; range < end; ++range)
      multiply(product, parts * range / ranges, parts * (range + 1) / ranges,
               workspace.data() + static_cast<std::size_t>(range) * size);
  });
}

}  // namespace unroll::cpu
