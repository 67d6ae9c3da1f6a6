// Per-target include guard, see simd-inl.h.
#if defined(UNROLL_TENSOR_CPU_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNROLL_TENSOR_CPU_PACK_INL_H_
#undef UNROLL_TENSOR_CPU_PACK_INL_H_
#else
#define UNROLL_TENSOR_CPU_PACK_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "device/cpu/tile-inl.h"
#include "tensor/matrix.h"

// Packing of operands in the order in which a tile reads them. Right: panels of kPanelWidth columns, stored row by row,
// padded with zeros to whole vectors. Left: strips of at most kTileRows rows; the elements of one k are contiguous.

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {

HWY_INLINE std::int64_t BlockCount(std::int64_t size, std::int64_t largest) { return (size + largest - 1) / largest; }
HWY_INLINE std::int64_t PanelCount(std::int64_t columns) { return BlockCount(columns, kPanelWidth); }
HWY_INLINE std::int64_t PaddedColumns(std::int64_t columns) { return BlockCount(columns, kLanes) * kLanes; }

#if HWY_TARGET != HWY_SCALAR
/// Four floats from each of Lanes(d) / 4 rows that lie `row_stride` apart.
template <class D>
HWY_INLINE hn::Vec<D> LoadFours(D d, const float* p, std::int64_t row_stride) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, p);
  } else {
    const hn::Half<D> half;
    constexpr std::int64_t rows = hn::MaxLanes(D()) / 8;
    return hn::Combine(d, LoadFours(half, p + rows * row_stride, row_stride), LoadFours(half, p, row_stride));
  }
}

/// out[k * out_stride + c] = in[c * in_stride + k] for k < 4, c < kLanes.
HWY_INLINE void TransposeFour(const float* in, std::int64_t in_stride, float* HWY_RESTRICT out,
                              std::int64_t out_stride) {
  const FloatTag d;
  const hn::Repartition<double, FloatTag> pairs;
  const Floats r0 = LoadFours(d, in, 4 * in_stride), r1 = LoadFours(d, in + in_stride, 4 * in_stride);
  const Floats r2 = LoadFours(d, in + 2 * in_stride, 4 * in_stride);
  const Floats r3 = LoadFours(d, in + 3 * in_stride, 4 * in_stride);
  const auto low01 = hn::BitCast(pairs, hn::InterleaveLower(d, r0, r1));
  const auto low23 = hn::BitCast(pairs, hn::InterleaveLower(d, r2, r3));
  const auto high01 = hn::BitCast(pairs, hn::InterleaveUpper(d, r0, r1));
  const auto high23 = hn::BitCast(pairs, hn::InterleaveUpper(d, r2, r3));
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, low01, low23)), d, out);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, low01, low23)), d, out + out_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveLower(pairs, high01, high23)), d, out + 2 * out_stride);
  hn::StoreU(hn::BitCast(d, hn::InterleaveUpper(pairs, high01, high23)), d, out + 3 * out_stride);
}
#endif

/// Packs a panel of a matrix whose columns are contiguous in memory.
inline void PackTransposedPanel(const ConstMatrix& b, float* HWY_RESTRICT out) {
  const std::int64_t padded = PaddedColumns(b.columns);
  std::int64_t whole_columns = 0, whole_rows = 0;
#if HWY_TARGET != HWY_SCALAR
  whole_columns = b.columns / kLanes * kLanes;
  whole_rows = b.rows / 4 * 4;
  for (std::int64_t c = 0; c < whole_columns; c += kLanes) {
    for (std::int64_t k = 0; k < whole_rows; k += 4)
      TransposeFour(b.data + c * b.column_stride + k, b.column_stride, out + k * padded + c, padded);
  }
#endif
  for (std::int64_t k = 0; k < b.rows; ++k) {
    for (std::int64_t c = k < whole_rows ? whole_columns : 0; c < b.columns; ++c) out[k * padded + c] = b.at(k, c);
    std::fill(out + k * padded + b.columns, out + (k + 1) * padded, 0.0f);
  }
}

/// Packs all panels of a matrix, with space for `depth` rows in each. If sums is not null and rows are contiguous, adds
/// the rows to sums, in order. Rows are read from end to end: panel by panel, each row of a wide matrix would be on a
/// new page.
inline void PackPanels(const ConstMatrix& b, std::int64_t depth, float* HWY_RESTRICT out, float* sums) {
  const std::int64_t panels = PanelCount(b.columns);
  if (b.column_stride != 1) {
    for (std::int64_t first = 0; first < b.columns; first += kPanelWidth)
      PackTransposedPanel(b.column_range(first, std::min(kPanelWidth, b.columns - first)), out + first * depth);
    return;
  }
  for (std::int64_t k = 0; k < b.rows; ++k) {
    const float* row = b.data + k * b.row_stride;
    for (std::int64_t panel = 0; panel < panels; ++panel) {
      const std::int64_t first = panel * kPanelWidth, end = std::min(b.columns, first + kPanelWidth);
      float* HWY_RESTRICT to = out + first * depth + k * PaddedColumns(end - first);
      for (std::int64_t c = first; c < end; c += kLanes, to += kLanes) {
        hwy::Prefetch(row + b.row_stride + c);
        const Floats x = LoadFirst(row + c, end - c);
        hn::StoreU(x, FloatTag(), to);
        if (sums != nullptr) StoreFirst(hn::Add(LoadFirst(sums + c, end - c), x), sums + c, end - c);
      }
    }
  }
}

HWY_INLINE std::int64_t StripCount(std::int64_t rows) { return BlockCount(rows, kTileRows); }
/// First row of a strip. Rows are distributed evenly, so that no strip is left with one row.
HWY_INLINE std::int64_t StripRow(std::int64_t strip, std::int64_t rows) { return rows * strip / StripCount(rows); }

/// Packs the strips [begin, end), at most kMaxStrips, one k at a time, so that a matrix whose columns are contiguous in
/// memory passes through the cache once.
template <std::int64_t kMaxStrips>
void PackStrips(const ConstMatrix& a, std::int64_t begin, std::int64_t end, float* HWY_RESTRICT out) {
  std::int64_t first[kMaxStrips];
  for (std::int64_t strip = begin; strip < end; ++strip) first[strip - begin] = StripRow(strip, a.rows);
  const std::int64_t count = end - begin;
  // Strips below `whole` are copied with kTileRows rows even if they have fewer, unless that would read beyond the
  // matrix.
  std::int64_t whole = 0;
  if (a.row_stride == 1) whole = first[count - 1] + kTileRows <= a.rows ? count : count - 1;
  for (std::int64_t k = 0; k < a.columns; ++k) {
    const float* column = a.data + k * a.column_stride;
    float* to = out + k * kTileRows;
    for (std::int64_t i = 0; i < count; ++i, to += a.columns * kTileRows) {
      if (i < whole) {
        std::memcpy(to, column + first[i], kTileRows * sizeof(float));
      } else {
        const std::int64_t rows = StripRow(begin + i + 1, a.rows) - first[i];
        for (std::int64_t r = 0; r < rows; ++r) to[r] = column[(first[i] + r) * a.row_stride];
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#endif
