// Per-target include guard, see simd-inl.h.
#if defined(UNROLL_TENSOR_CPU_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNROLL_TENSOR_CPU_TILE_INL_H_
#undef UNROLL_TENSOR_CPU_TILE_INL_H_
#else
#define UNROLL_TENSOR_CPU_TILE_INL_H_
#endif

#include <hwy/cache_control.h>

#include "device/cpu/simd-inl.h"

// The inner loop of all products: a tile of rows x vectors accumulators in registers, each one chain of fused
// multiply-adds in ascending k. Therefore the bits of an element depend neither on the tile's size nor on its position.

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {

// As many accumulators as fit in the registers beside one row of B and the broadcast elements of A: 24 of 32, or 12 of
// 16.
#if HWY_TARGET == HWY_AVX3
constexpr int kTileRows = 6;
#else
constexpr int kTileRows = 3;
#endif
constexpr int kTileVectors = 4;
constexpr std::int64_t kPanelWidth = kTileVectors * kLanes;

/// Calls f(row, vector) for all accumulators of a tile.
#ifdef UNROLL_SANITIZED
template <int kRows, int kVectors, class F>
HWY_INLINE void ForEachAccumulator(const F& f) {
  for (int r = 0; r < kRows; ++r) {
    for (int v = 0; v < kVectors; ++v) f(r, v);
  }
}
#else
template <int kRows, int kVectors, class F>
HWY_INLINE void ForEachAccumulator(const F& f) {
  ForEach<kRows * kVectors>([&](auto i) UNROLL_INLINE_LAMBDA {
    f(std::integral_constant<int, i / kVectors>(), std::integral_constant<int, i % kVectors>());
  });
}
#endif

/// Calls f with an address in each cache line of kVectors vectors at p.
template <int kVectors, class F>
HWY_INLINE void ForEachLine(const float* p, const F& f) {
  constexpr std::int64_t kLine = 64 / sizeof(float);
  ForEach<(kVectors * kLanes + kLine - 1) / kLine>([&](auto line) UNROLL_INLINE_LAMBDA { f(p + line * kLine); });
}

// Operands of a tile at one k; Advance() moves to the next k. Strides are compile-time constants where possible.

/// Left operand that is not packed, with contiguous rows.
struct RowsA {
  const float* data;
  std::int64_t row_stride;
  HWY_INLINE float At(std::int64_t row) const { return data[row * row_stride]; }
  HWY_INLINE void Advance() { ++data; }
};

/// Packed left operand: the elements of one k are contiguous.
struct StripA {
  const float* data;
  HWY_INLINE float At(std::int64_t row) const { return data[row]; }
  HWY_INLINE void Advance() { data += kTileRows; }
};

/// Packed right operand: the rows of a panel in order, each as wide as the tile.
struct PanelB {
  const float* data;
  /// Part of the next panel, which the tile prefetches into the second-level cache while it multiplies; its rows are
  /// `next_stride` apart. Null: none.
  const float* next = nullptr;
  std::int64_t next_stride = 0;

  template <int kVectors>
  HWY_INLINE Floats Load(int v) const {
    return hn::LoadU(FloatTag(), data + v * kLanes);
  }
  template <int kVectors>
  HWY_INLINE const float* Ahead(std::int64_t k) const {
    return data + k * kVectors * kLanes;
  }
  template <int kVectors>
  HWY_INLINE void Advance() {
    data += kVectors * kLanes;
  }
};

/// Right operand that is not packed: `columns` columns; the last vector may be partial.
struct RowsB {
  const float* data;
  std::int64_t row_stride, columns;
  static constexpr const float* next = nullptr;
  static constexpr std::int64_t next_stride = 0;

  template <int kVectors>
  HWY_INLINE Floats Load(int v) const {
    const float* at = data + v * kLanes;
    return v == kVectors - 1 ? LoadFirst(at, columns - v * kLanes) : hn::LoadU(FloatTag(), at);
  }
  template <int kVectors>
  HWY_INLINE const float* Ahead(std::int64_t k) const {
    return data + k * row_stride;
  }
  template <int kVectors>
  HWY_INLINE void Advance() {
    data += row_stride;
  }
};

/// True if a tile has enough rows that its multiply-adds take longer than reading B. With fewer rows loads are the
/// bottleneck, and hardware prefetching of consecutive lines is sufficient.
template <int kRows>
constexpr bool kFetchesAhead = kRows >= 3;

constexpr int kSecondLevel = 2;  // locality of __builtin_prefetch

/// sum += a * b, in the register of the sum: otherwise GCC 12 overwrites a factor and needs extra moves. With few rows,
/// where loads are the bottleneck, GCC may instead read a factor from memory.
template <int kRows>
HWY_INLINE void MultiplyAddTo(Floats& sum, Floats a, Floats b) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
  if constexpr (kFetchesAhead<kRows>) {
    asm("vfmadd231ps %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
    return;
  }
#endif
  sum = hn::MulAdd(a, b, sum);
}

/// acc[r][v] += A(r, k) B(k, v); moves to the next k.
template <int kRows, int kVectors, class A, class B>
HWY_INLINE void MultiplyAddOne(Floats (&acc)[kRows][kVectors], A& a, B& b) {
  if constexpr (kFetchesAhead<kRows>) {
    // Keeps GCC from creating a pointer for each row and k, many more than there are registers, and from mixing the
    // loads of one k with the products of another.
    asm volatile("" : "+r"(a.data), "+r"(b.data) : : "memory");
#if HWY_TARGET == HWY_AVX3
    // A panel does not stay in the first-level cache. Targets with narrower vectors gain nothing from this prefetch:
    // their panel rows are shorter, and they are limited by instructions.
    constexpr int kAhead = 4;
    ForEachLine<kVectors>(b.template Ahead<kVectors>(kAhead),
                          [](const float* p) UNROLL_INLINE_LAMBDA { hwy::Prefetch(p); });
#endif
  }
  // The operand with fewer vectors stays in registers; the other one is loaded one at a time.
  if constexpr (kRows <= kVectors) {
    Floats element[kRows];
    ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA { element[r] = hn::Set(FloatTag(), a.At(r)); });
    ForEach<kVectors>([&](auto v) UNROLL_INLINE_LAMBDA {
      const Floats x = b.template Load<kVectors>(v);
      ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA { MultiplyAddTo<kRows>(acc[r][v], element[r], x); });
    });
  } else {
    Floats x[kVectors];
    ForEach<kVectors>([&](auto v) UNROLL_INLINE_LAMBDA { x[v] = b.template Load<kVectors>(v); });
    ForEach<kRows>([&](auto r) UNROLL_INLINE_LAMBDA {
      const Floats element = hn::Set(FloatTag(), a.At(r));
      ForEach<kVectors>([&](auto v) UNROLL_INLINE_LAMBDA { MultiplyAddTo<kRows>(acc[r][v], element, x[v]); });
    });
  }
  a.Advance();
  b.template Advance<kVectors>();
}

/// acc[r][v] += sum over k < depth of A(r, k) B(k, v).
template <int kRows, int kVectors, class A, class B>
UNROLL_INLINE void MultiplyAdd(Floats (&acc)[kRows][kVectors], A a, B b, std::int64_t depth) {
  constexpr int kRound = 4;  // unrolled, so that counters and branches cost little
  // Prefetching b.data again is cheaper than testing in each round whether there is a next panel.
  [[maybe_unused]] const float* next = b.next == nullptr ? b.data : b.next;
  // Local copies: for targets with 16 registers, GCC 12 writes the caller's accumulators to memory in every round.
  Floats sum[kRows][kVectors];
  ForEachAccumulator<kRows, kVectors>([&](auto r, auto v) UNROLL_INLINE_LAMBDA { sum[r][v] = acc[r][v]; });
  for (; depth >= kRound; depth -= kRound) {
    if constexpr (kFetchesAhead<kRows>) {
      ForEachLine<kVectors>(next, [](const float* p) UNROLL_INLINE_LAMBDA { __builtin_prefetch(p, 0, kSecondLevel); });
      next += b.next_stride;
    }
    ForEach<kRound>([&](auto) UNROLL_INLINE_LAMBDA { MultiplyAddOne(sum, a, b); });
  }
  for (; depth > 0; --depth) MultiplyAddOne(sum, a, b);
  ForEachAccumulator<kRows, kVectors>([&](auto r, auto v) UNROLL_INLINE_LAMBDA { acc[r][v] = sum[r][v]; });
}

/// Returns `b` with the part of the next panel that a tile prefetches: each of the first four strips prefetches a
/// quarter of that panel, which is `width` wide.
HWY_INLINE PanelB WithNext(PanelB b, const float* next_panel, std::int64_t width, std::int64_t strip,
                           std::int64_t depth) {
  constexpr std::int64_t kTurns = 4;
  if (strip < kTurns) {
    b.next = next_panel + depth / kTurns * strip * width;
    b.next_stride = width;
  }
  return b;
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
