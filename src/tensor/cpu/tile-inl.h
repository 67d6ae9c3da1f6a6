// Per-target include guard, see simd-inl.h.
#if defined(UNROLL_TENSOR_CPU_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNROLL_TENSOR_CPU_TILE_INL_H_
#undef UNROLL_TENSOR_CPU_TILE_INL_H_
#else
#define UNROLL_TENSOR_CPU_TILE_INL_H_
#endif

#include <utility>

#include "tensor/cpu/simd-inl.h"

// The one inner loop that all products run on: a tile of rows x vectors accumulators in registers, each one chain of
// fused multiply-adds in ascending k. An element's bits therefore depend neither on the tile's size nor on where the
// tile lies.

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {

// As many accumulators as the registers hold beside one row of B and the broadcast elements of A: 24 of 32, or 12
// of 16.
#if HWY_TARGET == HWY_AVX3
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 3;
#endif
constexpr int kTileVectors = 4;
constexpr std::int64_t kPanelWidth = kTileVectors * kLanes;

/// Left operand of a tile: element (r, k) at data[r * row_stride + k * k_stride].
struct TileA {
  const float* data;
  std::int64_t row_stride, k_stride;
};

/// Right operand: vector v of row k at data[k * k_stride + v * kLanes].
struct TileB {
  const float* data;
  std::int64_t k_stride;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// As loops: unrolled, with a check at every access, a file takes ten minutes to compile.
template <int kCount, class F>
HWY_INLINE void ForEach(const F& f) {
  for (int i = 0; i < kCount; ++i) f(i);
}
template <int kRows, int kVectors, class F>
HWY_INLINE void ForEachAccumulator(const F& f) {
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) f(r, v);
  }
}
#else
/// Calls f with 0, 1, .., count - 1, each a constant: an array that is indexed with them alone stays in registers,
/// where GCC 12 keeps one that is indexed by a loop in memory before and after the loop is unrolled.
template <int... kIndex, class F>
HWY_INLINE void CallWithEach(std::integer_sequence<int, kIndex...>, const F& f) {
  (f(std::integral_constant<int, kIndex>()), ...);
}
template <int kCount, class F>
HWY_INLINE void ForEach(const F& f) {
  CallWithEach(std::make_integer_sequence<int, kCount>(), f);
}
/// f(row, vector) for all accumulators of a tile.
template <int kRows, int kVectors, class F>
HWY_INLINE void ForEachAccumulator(const F& f) {
  ForEach<kRows * kVectors>([&](auto i) UNROLL_INLINE_LAMBDA {
    f(std::integral_constant<int, i / kVectors>(), std::integral_constant<int, i % kVectors>());
  });
}
#endif

/// acc[r][v] += sum over k of A(r, k) B(k, v). With `kMasked` only `columns` columns of B exist, fewer than the vectors
/// hold.
template <bool kMasked, int kRows, int kVectors>
UNROLL_INLINE void MultiplyAdd(Floats (&acc)[kRows][kVectors], TileA a, TileB b, std::int64_t depth,
                               std::int64_t columns) {
  const FloatTag d;
  const float* HWY_RESTRICT a_k = a.data;
  const float* HWY_RESTRICT b_k = b.data;
  // In variables of their own: GCC 12 writes the caller's to memory in every round for targets of 16 registers.
  Floats sum[kRows][kVectors];
  ForEachAccumulator<kRows, kVectors>([&](auto r, auto v) UNROLL_INLINE_LAMBDA { sum[r][v] = acc[r][v]; });
  for (std::int64_t k = 0; k < depth; ++k, a_k += a.k_stride, b_k += b.k_stride) {
    Floats element[kRows];
    ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA { element[r] = hn::Set(d, a_k[r * a.row_stride]); });
    ForEach<kVectors>([&](auto v) UNROLL_INLINE_LAMBDA {
      const bool last = kMasked && v == kVectors - 1;
      const Floats row = last ? LoadFirst(b_k + v * kLanes, columns - v * kLanes) : hn::LoadU(d, b_k + v * kLanes);
      ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA { sum[r][v] = hn::MulAdd(element[r], row, sum[r][v]); });
    });
  }
  ForEachAccumulator<kRows, kVectors>([&](auto r, auto v) UNROLL_INLINE_LAMBDA { acc[r][v] = sum[r][v]; });
}

/// Calls tile.template Run<rows, vectors>() for run-time extents.
template <int kVectors, class Tile>
HWY_INLINE void WithRows(std::int64_t rows, const Tile& tile) {
  switch (rows) {
#if HWY_TARGET == HWY_AVX3
    case 6:
      return tile.template Run<6, kVectors>();
    case 5:
      return tile.template Run<5, kVectors>();
    case 4:
      return tile.template Run<4, kVectors>();
#endif
    case 3:
      return tile.template Run<3, kVectors>();
    case 2:
      return tile.template Run<2, kVectors>();
    default:
      return tile.template Run<1, kVectors>();
  }
}

template <class Tile>
HWY_INLINE void WithRowsAndVectors(std::int64_t rows, std::int64_t vectors, const Tile& tile) {
  switch (vectors) {
    case 4:
      return WithRows<4>(rows, tile);
    case 3:
      return WithRows<3>(rows, tile);
    case 2:
      return WithRows<2>(rows, tile);
    default:
      return WithRows<1>(rows, tile);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#endif
