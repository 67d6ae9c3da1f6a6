#include "device/cpu/layer_norm.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "device/cpu/layer_norm.cc"
#include <hwy/foreach_target.h>

#include "device/cpu/math-inl.h"
#include "device/cpu/sums-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

float LayerNorm(const float* x, const float* gain, const float* bias, float epsilon, std::int64_t count,
                float* normalized, float* y) {
  const FloatTag d;
  const auto columns = static_cast<float>(count);
  RowSums sums, squares;
  ForEachInRow(count, [&](auto v, std::int64_t i, std::int64_t n)
                          UNROLL_INLINE_LAMBDA { sums.vectors[v] = hn::Add(sums.vectors[v], LoadFirst(x + i, n)); });
  const Floats mean = hn::Set(d, sums.total() / columns);
  ForEachInRow(count, [&](auto v, std::int64_t i, std::int64_t n) UNROLL_INLINE_LAMBDA {
    StoreFirst(hn::Sub(LoadFirst(x + i, n), mean), normalized + i, n);
    const Floats counted = LoadFirst(normalized + i, n);  // zeros after the last
    squares.vectors[v] = hn::MulAdd(counted, counted, squares.vectors[v]);
  });
  const float scale = 1 / std::sqrt(squares.total() / columns + epsilon);
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
  RowSums sums, along;
  ForEachInRow(count, [&](auto v, std::int64_t i, std::int64_t n) UNROLL_INLINE_LAMBDA {
    const Floats g = hn::Mul(LoadFirst(dy + i, n), LoadFirst(gain + i, n));
    sums.vectors[v] = hn::Add(sums.vectors[v], g);
    along.vectors[v] = hn::MulAdd(g, LoadFirst(normalized + i, n), along.vectors[v]);
  });
  const Floats mean = hn::Set(d, sums.total() / columns), slope = hn::Set(d, along.total() / columns);
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
