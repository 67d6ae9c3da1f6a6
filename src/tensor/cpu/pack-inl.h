// Per-target include guard, see simd-inl.h.
#if defined(UNROLL_TENSOR_CPU_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNROLL_TENSOR_CPU_PACK_INL_H_
#undef UNROLL_TENSOR_CPU_PACK_INL_H_
#else
#define UNROLL_TENSOR_CPU_PACK_INL_H_
#endif

#include <algorithm>
#include <cstring>

#include "tensor/cpu/tile-inl.h"
#include "tensor/matrix.h"

// Operands in the order in which a tile reads them. Right: panels of kPanelWidth columns, within a panel row after row,
// padded with zeros to whole vectors. Left: strips of at most kTileRows rows, a strip's elements of one k side by side.

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {

HWY_INLINE std::int64_t PaddedColumns(std::int64_t columns) { return (columns + kLanes - 1) / kLanes * kLanes; }

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

/// A panel of a matrix whose columns are contiguous in memory.
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

/// PackPanel of contiguous rows; sums[c] += the rows of column c, in order.
inline void PackPanelAndSum(const ConstMatrix& b, float* HWY_RESTRICT out, float* sums) {
  const FloatTag d;
  Floats acc[kTileVectors];
  const std::int64_t vectors = PaddedColumns(b.columns) / kLanes;
  for (int v = 0; v < kTileVectors; ++v)
    acc[v] = v < vectors ? LoadFirst(sums + v * kLanes, b.columns - v * kLanes) : hn::Zero(d);
  for (std::int64_t k = 0; k < b.rows; ++k, out += vectors * kLanes) {
    const float* row = b.data + k * b.row_stride;
    for (int v = 0; v < kTileVectors; ++v) {
      if (v >= vectors) continue;
      const Floats x = LoadFirst(row + v * kLanes, b.columns - v * kLanes);
      acc[v] = hn::Add(acc[v], x);
      hn::StoreU(x, d, out + v * kLanes);
    }
  }
  for (int v = 0; v < kTileVectors; ++v) {
    if (v < vectors) StoreFirst(acc[v], sums + v * kLanes, b.columns - v * kLanes);
  }
}

/// At most kPanelWidth columns.
inline void PackPanel(const ConstMatrix& b, float* HWY_RESTRICT out) {
  if (b.column_stride != 1) return PackTransposedPanel(b, out);
  const FloatTag d;
  for (std::int64_t k = 0; k < b.rows; ++k) {
    const float* row = b.data + k * b.row_stride;
    for (std::int64_t c = 0; c < b.columns; c += kLanes, out += kLanes)
      hn::StoreU(LoadFirst(row + c, b.columns - c), d, out);
  }
}

/// First row of a strip. Rows are spread evenly, so that no strip is left with one row.
HWY_INLINE std::int64_t StripRow(std::int64_t strip, std::int64_t rows) {
  const std::int64_t strips = (rows + kTileRows - 1) / kTileRows;
  return rows * strip / strips;
}

/// Strips [begin, end), at most kMost of them, of a matrix whose rows are contiguous in memory for each k. They are
/// written k after k, so that the matrix passes through the cache once.
template <std::int64_t kMost>
void PackStrips(const ConstMatrix& a, std::int64_t begin, std::int64_t end, float* HWY_RESTRICT out) {
  std::int64_t first[kMost];
  for (std::int64_t strip = begin; strip < end; ++strip) first[strip - begin] = StripRow(strip, a.rows);
  // Of a strip with fewer rows than most, one more than is needed: but not beyond the matrix.
  const std::int64_t count = end - begin, whole = first[count - 1] + kTileRows <= a.rows ? count : count - 1;
  for (std::int64_t k = 0; k < a.columns; ++k) {
    const float* column = a.data + k * a.column_stride;
    float* to = out + k * kTileRows;
    for (std::int64_t i = 0; i < whole; ++i, to += a.columns * kTileRows)
      std::memcpy(to, column + first[i], kTileRows * sizeof(float));
    if (whole < count) std::copy(column + first[whole], column + a.rows, to);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#endif
