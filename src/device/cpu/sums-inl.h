// Per-target include guard, see simd-inl.h.
#if defined(UNROLL_TENSOR_CPU_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNROLL_TENSOR_CPU_SUMS_INL_H_
#undef UNROLL_TENSOR_CPU_SUMS_INL_H_
#else
#define UNROLL_TENSOR_CPU_SUMS_INL_H_
#endif

#include "device/cpu/simd-inl.h"

// Sums over a row. Element i is added to partial sum i mod 16, and the partial sums are then added by halves: 8 to 8, 4
// to 4, 2 to 2, 1 to 1. AVX-512 has the 16 in one vector and AVX2 in two, so both give the same bits. SSE4 and scalar
// code, which have no fused multiply-add and therefore other bits anyway, take one vector.

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX2
constexpr int kSumVectors = 2;
#else
constexpr int kSumVectors = 1;
#endif

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX2
template <class D>
HWY_INLINE float SumByHalves(D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) > 4) {
    const hn::Half<D> half;
    return SumByHalves(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  } else {
    const hn::Vec<D> pairs = hn::Add(v, hn::Shuffle1032(v));
    return hn::GetLane(hn::Add(pairs, hn::Shuffle2301(pairs)));
  }
}
HWY_INLINE float SumOfLanes(Floats v) { return SumByHalves(FloatTag(), v); }
#else
HWY_INLINE float SumOfLanes(Floats v) { return hn::GetLane(hn::SumOfLanes(FloatTag(), v)); }
#endif

/// Partial sums of a row.
struct RowSums {
  Floats vectors[kSumVectors];

  HWY_INLINE RowSums() {
    ForEach<kSumVectors>([&](auto v) UNROLL_INLINE_LAMBDA { vectors[v] = hn::Zero(FloatTag()); });
  }
  HWY_INLINE float total() const {
    if constexpr (kSumVectors == 1) {
      return SumOfLanes(vectors[0]);
    } else {
      return SumOfLanes(hn::Add(vectors[0], vectors[1]));
    }
  }
};

/// Calls f(v, i, n) for all vectors of a row: the elements from i on, of which n are left, belong to vector v of
/// RowSums.
template <class F>
HWY_INLINE void ForEachInRow(std::int64_t count, const F& f) {
  for (std::int64_t begin = 0; begin < count; begin += kSumVectors * kLanes) {
    ForEach<kSumVectors>([&](auto v) UNROLL_INLINE_LAMBDA {
      const std::int64_t i = begin + v * kLanes;
      if (v == 0 || i < count) f(v, i, count - i);
    });
  }
}

/// The sum of the terms of all elements. term(i, n) is the vector of those from i on, of which n are left, with zeros
/// after the last. Four sets of partial sums, which do not wait for each other, are added at the end, in pairs.
template <class Term>
HWY_INLINE float Reduce(std::int64_t count, const Term& term) {
  constexpr int vectors = 4 * kSumVectors;
  Floats sums[vectors];
  ForEach<vectors>([&](auto v) UNROLL_INLINE_LAMBDA { sums[v] = hn::Zero(FloatTag()); });
  std::int64_t i = 0;
  for (; i + vectors * kLanes <= count; i += vectors * kLanes) {
    ForEach<vectors>(
        [&](auto v) UNROLL_INLINE_LAMBDA { sums[v] = hn::Add(sums[v], term(i + v * kLanes, count - i - v * kLanes)); });
  }
  for (int v = 0; i < count; i += kLanes, ++v) sums[v] = hn::Add(sums[v], term(i, count - i));
  RowSums row;
  ForEach<kSumVectors>([&](auto v) UNROLL_INLINE_LAMBDA {
    row.vectors[v] =
        hn::Add(hn::Add(sums[v], sums[v + kSumVectors]), hn::Add(sums[v + 2 * kSumVectors], sums[v + 3 * kSumVectors]));
  });
  return row.total();
}

}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#endif
