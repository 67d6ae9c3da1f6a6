// Per-target include guard: this file is compiled once for each SIMD target (Highway's foreach_target).
#if defined(UNROLL_TENSOR_CPU_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNROLL_TENSOR_CPU_SIMD_INL_H_
#undef UNROLL_TENSOR_CPU_SIMD_INL_H_
#else
#define UNROLL_TENSOR_CPU_SIMD_INL_H_
#endif

#include <hwy/highway.h>

#include <cstdint>
#include <utility>

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Floats = hn::Vec<FloatTag>;

constexpr std::int64_t kLanes = HWY_LANES(float);

/// For lambdas called in a kernel: compiles them for the kernel's target and inlines them.
#undef UNROLL_INLINE_LAMBDA
#define UNROLL_INLINE_LAMBDA HWY_ATTR __attribute__((always_inline))

/// For functions used by many tiles: inlines them. With sanitizers they are not inlined, because copies of their checks
/// in every tile of every target would take minutes to compile.
#undef UNROLL_INLINE
#ifdef UNROLL_SANITIZED
#define UNROLL_INLINE HWY_NOINLINE inline
#else
#define UNROLL_INLINE HWY_INLINE
#endif

#ifdef UNROLL_SANITIZED
// A loop: unrolled code with a check at every access takes minutes to compile per file.
template <int kCount, class F>
HWY_INLINE void ForEach(const F& f) {
  for (int i = 0; i < kCount; ++i) f(i);
}
#else
/// Calls f with the constants 0, 1, .., count - 1. An array indexed only with these stays in registers; GCC 12 keeps an
/// array that is indexed by a loop in memory before and after the loop is unrolled.
template <int... kIndex, class F>
HWY_INLINE void CallWithEach(std::integer_sequence<int, kIndex...>, const F& f) {
  (f(std::integral_constant<int, kIndex>()), ...);
}
template <int kCount, class F>
HWY_INLINE void ForEach(const F& f) {
  CallWithEach(std::make_integer_sequence<int, kCount>(), f);
}
#endif

#if HWY_TARGET == HWY_AVX3
HWY_INLINE Floats LoadTail(const float* p, std::int64_t count) {
  const FloatTag d;
  return hn::MaskedLoad(hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
}

HWY_INLINE void StoreTail(Floats v, float* p, std::int64_t count) {
  const FloatTag d;
  hn::BlendedStore(v, hn::FirstN(d, static_cast<std::size_t>(count)), d, p);
}
#else
// Not inlined: tails are rare, but every tile would contain a copy.
HWY_NOINLINE inline Floats LoadTail(const float* p, std::int64_t count) {
  HWY_ALIGN float padded[kLanes] = {};
  for (std::int64_t i = 0; i < count; ++i) padded[i] = p[i];
  return hn::Load(FloatTag(), padded);
}

HWY_NOINLINE inline void StoreTail(Floats v, float* p, std::int64_t count) {
  HWY_ALIGN float padded[kLanes];
  hn::Store(v, FloatTag(), padded);
  for (std::int64_t i = 0; i < count; ++i) p[i] = padded[i];
}
#endif

/// Loads the first `count` elements at p, followed by zeros; reads no memory beyond them. count >= 1.
UNROLL_INLINE Floats LoadFirst(const float* p, std::int64_t count) {
  return HWY_LIKELY(count >= kLanes) ? hn::LoadU(FloatTag(), p) : LoadTail(p, count);
}

/// Writes the first `count` elements of v, and nothing beyond them. count >= 1.
UNROLL_INLINE void StoreFirst(Floats v, float* p, std::int64_t count) {
  if (HWY_LIKELY(count >= kLanes)) {
    hn::StoreU(v, FloatTag(), p);
  } else {
    StoreTail(v, p, count);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#endif
