#include "loops.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tools/bench/loops.cc"
#include <hwy/foreach_target.h>

#include "device/cpu/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

// Enough to hide the latency of two multiply-adds per cycle, and few enough for sixteen registers.
constexpr int kChains = 12;

/// Marks a result as used, so that the compiler keeps the loop that computed it.
void Keep(Floats v) {
  [[maybe_unused]] static thread_local volatile float sink;
  sink = hn::GetLane(v);
}

double MultiplyAdds(std::int64_t rounds) {
  const FloatTag d;
  const Floats factor = hn::Set(d, 0.5f), summand = hn::Set(d, static_cast<float>(rounds));
  Floats chain[kChains];
  for (int i = 0; i < kChains; ++i) chain[i] = hn::Set(d, static_cast<float>(i));
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) chain[i] = hn::MulAdd(chain[i], factor, summand);
  }
  Floats total = chain[0];
  for (int i = 1; i < kChains; ++i) total = hn::Add(total, chain[i]);
  Keep(total);
  return 2.0 * kChains * static_cast<double>(kLanes) * static_cast<double>(rounds);
}

void ReadAndWrite(float* x, std::int64_t count) {
  const FloatTag d;
  const Floats factor = hn::Set(d, 0.5f), summand = hn::Set(d, 0.25f);
  constexpr std::int64_t kStep = 4 * kLanes;
  for (std::int64_t i = 0; i < count; i += kStep) {
    for (std::int64_t v = 0; v < kStep; v += kLanes) {
      hn::StoreU(hn::MulAdd(hn::LoadU(d, x + i + v), factor, summand), d, x + i + v);
    }
  }
}

void ReadOnly(const float* x, std::int64_t count) {
  const FloatTag d;
  constexpr int kSums = 8;
  Floats sum[kSums];
  for (int v = 0; v < kSums; ++v) sum[v] = hn::Zero(d);
  for (std::int64_t i = 0; i < count; i += kSums * kLanes) {
    for (int v = 0; v < kSums; ++v) sum[v] = hn::Add(sum[v], hn::LoadU(d, x + i + v * kLanes));
  }
  Floats total = sum[0];
  for (int v = 1; v < kSums; ++v) total = hn::Add(total, sum[v]);
  Keep(total);
}

static_assert(bench::loop_block % (8 * kLanes) == 0);

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unroll::bench {

HWY_EXPORT(MultiplyAdds);
HWY_EXPORT(ReadAndWrite);
HWY_EXPORT(ReadOnly);

double multiply_adds(std::int64_t rounds) { return HWY_DYNAMIC_DISPATCH(MultiplyAdds)(rounds); }
void read_and_write(float* x, std::int64_t count) { HWY_DYNAMIC_DISPATCH(ReadAndWrite)(x, count); }
void read_only(const float* x, std::int64_t count) { HWY_DYNAMIC_DISPATCH(ReadOnly)(x, count); }

}  // namespace unroll::bench
#endif
