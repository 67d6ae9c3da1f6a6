// Per-target include guard, see simd-inl.h.
#if defined(UNROLL_TENSOR_CPU_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNROLL_TENSOR_CPU_TILE_INL_H_
#undef UNROLL_TENSOR_CPU_TILE_INL_H_
#else
#define UNROLL_TENSOR_CPU_TILE_INL_H_
#endif

#include <hwy/cache_control.h>

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

/// f(p) for a place in each cache line that so many vectors take.
template <int kVectors, class F>
HWY_INLINE void ForEachLine(const float* p, const F& f) {
  constexpr std::int64_t kLine = 64 / sizeof(float);
  ForEach<(kVectors * kLanes + kLine - 1) / kLine>([&](auto line) UNROLL_INLINE_LAMBDA { f(p + line * kLine); });
}

// Operands of a tile, at one k; Advance() takes them to the next. Their strides are constants where they can be.

/// Left operand that lies in rows.
struct RowsA {
  const float* data;
  std::int64_t row_stride;
  HWY_INLINE float At(std::int64_t row) const { return data[row * row_stride]; }
  HWY_INLINE void Advance() { ++data; }
};

/// Left operand that was packed: the elements of one k side by side.
struct StripA {
  const float* data;
  HWY_INLINE float At(std::int64_t row) const { return data[row]; }
  HWY_INLINE void Advance() { data += kTileRows; }
};

/// Right operand that was packed: the rows of a panel one behind the other, each as wide as the tile.
struct PanelB {
  const float* data;
  /// A part of the panel that comes after this one; rows lie `next_stride` apart. The tile fetches it into the
  /// second-level cache while it multiplies. Null: nothing.
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

/// Right operand that is read where it lies: `columns` columns, which the last vector may not fill.
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

/// Whether a tile has so many rows that its products take longer than reading B. With fewer, every load counts, and the
/// processor's own prefetching of consecutive lines does as well.
template <int kRows>
constexpr bool kFetchesAhead = kRows >= 3;

constexpr int kSecondLevel = 2;  // of __builtin_prefetch

/// sum += a * b, in the register of the sum: left the choice, GCC 12 overwrites a factor and moves what it still needs.
/// Where loads count, it may instead read a factor from memory.
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

/// acc[r][v] += A(r, k) B(k, v), and on to the next k.
template <int kRows, int kVectors, class A, class B>
HWY_INLINE void MultiplyAddOne(Floats (&acc)[kRows][kVectors], A& a, B& b) {
  if constexpr (kFetchesAhead<kRows>) {
    // Keeps GCC from making a pointer of its own for each row and k, many more than there are registers, and from
    // mixing the loads of one k with the products of another.
    asm volatile("" : "+r"(a.data), "+r"(b.data) : : "memory");
#if HWY_TARGET == HWY_AVX3
    // A panel does not stay in the first-level cache. Narrower vectors gain nothing: their rows of a panel are shorter,
    // and instructions are what they are short of.
    constexpr int kAhead = 4;
    ForEachLine<kVectors>(b.template Ahead<kVectors>(kAhead),
                          [](const float* p) UNROLL_INLINE_LAMBDA { hwy::Prefetch(p); });
#endif
  }
  // The fewer ones stay in registers while the others pass.
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
  constexpr int kRound = 4;  // so that counters and branches are few beside the products
  // What is there already is cheaper to fetch again than to ask in each round whether there is anything to fetch.
  [[maybe_unused]] const float* next = b.next == nullptr ? b.data : b.next;
  // In variables of their own: GCC 12 writes the caller's to memory in every round for targets of 16 registers.
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

/// The part of the next panel that a tile fetches: strips take turns, four make a whole panel, `width` wide.
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
