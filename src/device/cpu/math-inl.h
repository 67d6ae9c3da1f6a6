// Per-target include guard, see simd-inl.h.
#if defined(UNROLL_TENSOR_CPU_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef UNROLL_TENSOR_CPU_MATH_INL_H_
#undef UNROLL_TENSOR_CPU_MATH_INL_H_
#else
#define UNROLL_TENSOR_CPU_MATH_INL_H_
#endif

#include <hwy/contrib/math/math-inl.h>

#include <limits>

#include "device/cpu/simd-inl.h"

// Every logit and every gate passes through an exponential or a tanh, and Highway's take twice as long as these. NaN
// and infinity are propagated everywhere, so that a divergence is not hidden; Highway's logarithm turns them into
// finite numbers.

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {

HWY_INLINE Floats KeepNan(Floats x, Floats y) { return hn::IfThenElse(hn::Eq(x, x), y, x); }

/// e^x = 2^power e^rest with |rest| <= ln 2 / 2 (Cody, Waite: Software Manual for the Elementary Functions, 1980).
struct ReducedExponent {
  Floats shifted_power;  // integer, plus kShift
  Floats rest_expm1;     // e^rest - 1
};

/// Added to a number below 2^22, it leaves the nearest integer in the lowest bits of the mantissa.
constexpr float kShift = 0x1.8p23f;

HWY_INLINE ReducedExponent ReduceExponent(Floats x) {
  const FloatTag d;
  Floats shifted_power = hn::Add(hn::Mul(x, hn::Set(d, 1.44269504f)), hn::Set(d, kShift));
#if HWY_TARGET == HWY_SCALAR
  // If x was clamped to a constant, GCC would compute the result at compile time and keep it denormal.
  asm("" : "+m"(shifted_power.raw));
#endif
  const Floats power = hn::Sub(shifted_power, hn::Set(d, kShift));
  // ln 2 in two parts, the first of which has so few bits that its product with the power is exact.
  const Floats most = hn::NegMulAdd(power, hn::Set(d, 0.693359375f), x);
  const Floats rest = hn::NegMulAdd(power, hn::Set(d, -2.12194440e-4f), most);
  // (e^r - 1 - r) / r^2, a minimax fit: 3.1e-9 of e^r.
  Floats p = hn::Set(d, 0x1.6a23cep-10f);
  p = hn::MulAdd(p, rest, hn::Set(d, 0x1.123a2p-7f));
  p = hn::MulAdd(p, rest, hn::Set(d, 0x1.5558f2p-5f));
  p = hn::MulAdd(p, rest, hn::Set(d, 0x1.555492p-3f));
  p = hn::MulAdd(p, rest, hn::Set(d, 0x1.fffffcp-2f));
  return {shifted_power, hn::MulAdd(p, hn::Mul(rest, rest), rest)};
}

/// 2^power x, by adding to the exponent: x and the result must be normal numbers.
HWY_INLINE Floats TimesPowerOfTwo(Floats x, Floats shifted_power) {
  const hn::RebindToSigned<FloatTag> integers;
  const auto exponent = hn::ShiftLeft<23>(hn::BitCast(integers, shifted_power));
  return hn::BitCast(FloatTag(), hn::Add(hn::BitCast(integers, x), exponent));
}

constexpr float kMinExponent = -87.0f, kMaxExponent = 88.72283f;

/// e^x for x in [kMinExponent, kMaxExponent].
HWY_INLINE Floats ExpWithinRange(Floats x) {
  const ReducedExponent e = ReduceExponent(x);
  return TimesPowerOfTwo(hn::Add(e.rest_expm1, hn::Set(FloatTag(), 1.0f)), e.shifted_power);
}

/// e^x for x <= 0; e^-87 if x < -87.
UNROLL_INLINE Floats ExpOfNotPositive(Floats x) {
  return KeepNan(x, ExpWithinRange(hn::Max(x, hn::Set(FloatTag(), kMinExponent))));
}

/// e^x: 0 below -87, close to the denormal numbers, infinity above 88.72. Within 0.7 units in the last place.
UNROLL_INLINE Floats ExpOf(Floats x) {
  const FloatTag d;
  const Floats least = hn::Set(d, kMinExponent), largest = hn::Set(d, kMaxExponent);
  const Floats inside = ExpWithinRange(hn::Min(hn::Max(x, least), largest));
  const Floats or_zero = hn::IfThenElseZero(hn::Ge(x, least), inside);
  const Floats or_infinity =
      hn::IfThenElse(hn::Gt(x, largest), hn::Set(d, std::numeric_limits<float>::infinity()), or_zero);
  return KeepNan(x, or_infinity);
}

/// ln x: -infinity at 0, NaN below.
UNROLL_INLINE Floats LogOf(Floats x) {
  const FloatTag d;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const Floats inside = hn::Log(d, hn::Min(hn::Max(x, hn::Set(d, std::numeric_limits<float>::min())),
                                           hn::Set(d, std::numeric_limits<float>::max())));
  const Floats zero = hn::Zero(d);
  Floats y = hn::IfThenElse(hn::Eq(x, hn::Set(d, infinity)), x, inside);
  y = hn::IfThenElse(hn::Eq(x, zero), hn::Set(d, -infinity), y);
  y = hn::IfThenElse(hn::Lt(x, zero), hn::Set(d, std::numeric_limits<float>::quiet_NaN()), y);
  return KeepNan(x, y);
}

/// (e^2|x| - 1) / (e^2|x| + 1), with the sign of x.
UNROLL_INLINE Floats TanhOf(Floats x) {
  const FloatTag d;
  const Floats one = hn::Set(d, 1.0f), saturation = hn::Set(d, 10.0f);
  const Floats magnitude = hn::Min(hn::Abs(x), saturation);
  const ReducedExponent e = ReduceExponent(hn::Add(magnitude, magnitude));
  const Floats scale = TimesPowerOfTwo(one, e.shifted_power);
  const Floats expm1 = hn::MulAdd(scale, e.rest_expm1, hn::Sub(scale, one));
  return KeepNan(x, hn::CopySign(hn::Div(expm1, hn::Add(expm1, hn::Set(d, 2.0f))), x));
}

/// 1 / (1 + e^-x); 0 below -88, where it would be denormal.
UNROLL_INLINE Floats SigmoidOf(Floats x) {
  const FloatTag d;
  const Floats one = hn::Set(d, 1.0f);
  const Floats opposite = hn::Min(hn::Max(hn::Neg(x), hn::Set(d, kMinExponent)), hn::Set(d, 88.0f));
  return KeepNan(x, hn::Div(one, hn::Add(one, ExpWithinRange(opposite))));
}

HWY_INLINE Floats ReluOf(Floats x) { return KeepNan(x, hn::Max(x, hn::Zero(FloatTag()))); }

}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#endif
