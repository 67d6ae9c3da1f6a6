#include "base/uniforms.h"

#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "base/uniforms.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace unroll {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using WordTag = hn::ScalableTag<std::uint32_t>;
using Words = hn::Vec<WordTag>;

#if HWY_TARGET != HWY_SCALAR
struct Product {
  Words high, low;
};

/// The 64-bit products of each word with the same factor.
HWY_INLINE Product Multiply(Words x, Words factor) {
  const WordTag d;
  const Words even = hn::BitCast(d, hn::MulEven(x, factor));
  const Words odd = hn::BitCast(d, hn::MulEven(hn::Shuffle2301(x), factor));
  return {hn::OddEven(odd, hn::Shuffle2301(even)), hn::OddEven(hn::Shuffle2301(odd), even)};
}

HWY_INLINE hn::Vec<hn::ScalableTag<float>> Unit(Words bits) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<WordTag> integers;
  return hn::Mul(hn::ConvertTo(d, hn::BitCast(integers, hn::ShiftRight<8>(bits))), hn::Set(d, 0x1p-24f));
}

/// The ten rounds of Philox 4x32, with one block of four words per lane.
void UniformBlocks(const PhiloxCounter& counter, std::int64_t blocks, float* out) {
  const WordTag d;
  const Words factor0 = hn::Set(d, 0xD2511F53u), factor1 = hn::Set(d, 0xCD9E8D57u);
  constexpr std::int64_t lanes = HWY_LANES(std::uint32_t);
  for (std::int64_t block = 0; block < blocks; block += lanes) {
    const std::uint64_t index = counter.first_block + static_cast<std::uint64_t>(block);
    const auto low = static_cast<std::uint32_t>(index);
    Words x0 = hn::Iota(d, low);
    // Lanes whose low word has wrapped around carry one into the high word.
    const Words high = hn::Set(d, static_cast<std::uint32_t>(index >> 32));
    Words x1 = hn::IfThenElse(hn::Lt(x0, hn::Set(d, low)), hn::Add(high, hn::Set(d, 1)), high);
    Words x2 = hn::Set(d, counter.step), x3 = hn::Set(d, counter.purpose_stream);
    std::uint32_t key0 = static_cast<std::uint32_t>(counter.seed),
                  key1 = static_cast<std::uint32_t>(counter.seed >> 32);
    for (int round = 0; round < 10; ++round, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
      const Product a = Multiply(x0, factor0), b = Multiply(x2, factor1);
      x0 = hn::Xor(hn::Xor(b.high, x1), hn::Set(d, key0));
      x2 = hn::Xor(hn::Xor(a.high, x3), hn::Set(d, key1));
      x1 = b.low;
      x3 = a.low;
    }
    if (blocks - block >= lanes) {
      hn::StoreInterleaved4(Unit(x0), Unit(x1), Unit(x2), Unit(x3), hn::ScalableTag<float>(), out + 4 * block);
    } else {
      HWY_ALIGN float last[4 * lanes];
      hn::StoreInterleaved4(Unit(x0), Unit(x1), Unit(x2), Unit(x3), hn::ScalableTag<float>(), last);
      for (std::int64_t i = 0; i < 4 * (blocks - block); ++i) out[4 * block + i] = last[i];
    }
  }
}

std::int64_t MinBlocks() { return HWY_LANES(std::uint32_t) / 2; }
#else
void UniformBlocks(const PhiloxCounter&, std::int64_t, float*) {}
std::int64_t MinBlocks() { return std::numeric_limits<std::int64_t>::max(); }
#endif

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace unroll
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace unroll {

HWY_EXPORT(UniformBlocks);
HWY_EXPORT(MinBlocks);

std::int64_t min_uniform_blocks() { return HWY_DYNAMIC_DISPATCH(MinBlocks)(); }
void uniform_blocks(const PhiloxCounter& counter, std::int64_t blocks, float* out) {
  HWY_DYNAMIC_DISPATCH(UniformBlocks)(counter, blocks, out);
}

}  // namespace unroll
#endif
