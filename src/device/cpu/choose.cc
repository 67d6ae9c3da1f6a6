#include "device/cpu/choose.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/choose.cc"
#include <hwy/foreach_target.h>

#include "device/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

/// The vector at p, with `instead` in the lanes after the first `count`.
HWY_INLINE Floats LoadOr(Floats instead, const float* p, std::int64_t count) {
  if (HWY_LIKELY(count >= kLanes)) return hn::LoadU(FloatTag(), p);
  return hn::IfThenElse(hn::FirstN(FloatTag(), static_cast<std::size_t>(count)), LoadTail(p, count), instead);
}

struct Extremes {
  float largest;
  bool finite;
};

Extremes Largest(const float* logits, std::int64_t count) {
  const FloatTag d;
  const Floats first = hn::Set(d, logits[0]);
  Floats largest = first, zeros = hn::Zero(d);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Floats x = LoadOr(first, logits + i, count - i);
    largest = hn::Max(largest, x);
    zeros = hn::MulAdd(x, hn::Zero(d), zeros);  // infinity and NaN times 0 is NaN
  }
  return {hn::GetLane(hn::MaxOfLanes(d, largest)), hn::GetLane(hn::SumOfLanes(d, zeros)) == 0};
}

std::int32_t FirstEqual(const float* logits, std::int64_t count, float value) {
  const FloatTag d;
  const Floats sought = hn::Set(d, value);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const auto found = hn::FindFirstTrue(d, hn::Eq(LoadFirst(logits + i, count - i), sought));
    if (found >= 0) return static_cast<std::int32_t>(i + found);
  }
  return 0;
}

/// Replaces logits by exp((logit - largest) / temperature). Computed from halves, because the difference of two finite
/// numbers may overflow; the quotient may too, but only to minus infinity, whose weight is 0.
void Weigh(float* logits, std::int64_t count, float largest, float temperature) {
  const FloatTag d;
  const Floats half = hn::Set(d, 0.5f), half_largest = hn::Set(d, largest * 0.5f);
  const Floats half_temperature = hn::Set(d, std::max(temperature * 0.5f, std::numeric_limits<float>::min()));
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Floats x = LoadFirst(logits + i, count - i);
    StoreFirst(ExpOf(hn::Div(hn::MulSub(x, half, half_largest), half_temperature)), logits + i, count - i);
  }
}

/// Four independent sums, so that an addition does not wait for the one before.
double Total(const float* weights, std::int64_t count) {
  double sums[4] = {};
  std::int64_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (std::int64_t lane = 0; lane < 4; ++lane) sums[lane] += static_cast<double>(weights[i + lane]);
  }
  for (; i < count; ++i) sums[0] += static_cast<double>(weights[i]);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

std::int32_t Choose(float* logits, std::int64_t count, float temperature, double fraction) {
  const auto [largest, finite] = Largest(logits, count);
  if (!finite) return -1;
  if (temperature == 0) return FirstEqual(logits, count, largest);
  Weigh(logits, count, largest, temperature);
  const double wanted = fraction * Total(logits, count);
  double sum = 0;
  std::int64_t column = 0;
  for (; column + 1 < count; ++column) {
    sum += static_cast<double>(logits[column]);
    if (sum > wanted) break;
  }
  return static_cast<std::int32_t>(column);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unroll::cpu {

HWY_EXPORT(Choose);

std::int32_t choose(float* logits, std::int64_t count, float temperature, double fraction) {
  return HWY_DYNAMIC_DISPATCH(Choose)(logits, count, temperature, fraction);
}

}  // namespace unroll::cpu
#endif
