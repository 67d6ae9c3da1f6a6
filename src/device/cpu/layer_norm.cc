#include "device/cpu/layer_norm.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/layer_norm.cc"
#include <hwy/foreach_target.h>

#include "device/cpu/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

HWY_INLINE float Total(Floats sums) { return hn::GetLane(hn::SumOfLanes(FloatTag(), sums)); }

float LayerNorm(const float* x, const float* gain, const float* bias, float epsilon, std::int64_t count,
                float* normalized, float* y) {
  const FloatTag d;
  const auto columns = static_cast<float>(count);
  Floats sums = hn::Zero(d), squares = hn::Zero(d);
  for (std::int64_t i = 0; i < count; i += kLanes) sums = hn::Add(sums, LoadFirst(x + i, count - i));
  const Floats mean = hn::Set(d, Total(sums) / columns);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Floats distance = hn::Sub(LoadFirst(x + i, count - i), mean);
    StoreFirst(distance, normalized + i, count - i);
    const Floats counted = LoadFirst(normalized + i, count - i);  // zeros after the last
    squares = hn::MulAdd(counted, counted, squares);
  }
  const float scale = 1 / std::sqrt(Total(squares) / columns + epsilon);
  const Floats scales = hn::Set(d, scale);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Floats v = hn::Mul(LoadFirst(normalized + i, count - i), scales);
    StoreFirst(v, normalized + i, count - i);
    StoreFirst(hn::MulAdd(v, LoadFirst(gain + i, count - i), LoadFirst(bias + i, count - i)), y + i, count - i);
  }
  return scale;
}

void LayerNormBackward(const float* normalized, float scale, const float* gain, const float* dy, std::int64_t count,
                       float* dx) {
  const FloatTag d;
  const auto columns = static_cast<float>(count);
  Floats sums = hn::Zero(d), along = hn::Zero(d);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Floats g = hn::Mul(LoadFirst(dy + i, count - i), LoadFirst(gain + i, count - i));
    sums = hn::Add(sums, g);
    along = hn::MulAdd(g, LoadFirst(normalized + i, count - i), along);
  }
  const Floats mean = hn::Set(d, Total(sums) / columns), slope = hn::Set(d, Total(along) / columns);
  const Floats scales = hn::Set(d, scale);
  for (std::int64_t i = 0; i < count; i += kLanes) {
    const Floats g = hn::Mul(LoadFirst(dy + i, count - i), LoadFirst(gain + i, count - i));
    const Floats straight = hn::NegMulAdd(LoadFirst(normalized + i, count - i), slope, hn::Sub(g, mean));
    StoreFirst(hn::MulAdd(straight, scales, LoadFirst(dx + i, count - i)), dx + i, count - i);
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unroll::cpu {

HWY_EXPORT(LayerNorm);
HWY_EXPORT(LayerNormBackward);

float layer_norm(const float* x, const float* gain, const float* bias, float epsilon, std::int64_t count,
                 float* normalized, float* y) {
  return HWY_DYNAMIC_DISPATCH(LayerNorm)(x, gain, bias, epsilon, count, normalized, y);
}

void layer_norm_backward(const float* normalized, float scale, const float* gain, const float* dy, std::int64_t count,
                         float* dx) {
  HWY_DYNAMIC_DISPATCH(LayerNormBackward)(normalized, scale, gain, dy, count, dx);
}

}  // namespace unroll::cpu
#endif
