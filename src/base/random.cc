#include <Random123/philox.h>

#include <cmath>
#include <numbers>

#include "base/uniforms.h"
#include "unroll/context.h"

namespace unroll {
namespace {

r123::Philox4x32::ctr_type block(std::uint64_t seed, std::uint32_t purpose_stream, std::uint32_t step,
                                 std::uint64_t index) {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  const r123::Philox4x32::ctr_type counter{{low(index), high(index), step, purpose_stream}};
  const r123::Philox4x32::key_type key{{low(seed), high(seed)}};
  return r123::Philox4x32()(counter, key);
}

float unit(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

}  // namespace

Random::Random(std::uint64_t seed, RandomStream purpose, std::uint32_t stream, std::uint32_t step)
    : seed_(seed), purpose_stream_(static_cast<std::uint32_t>(purpose) << 24 | (stream & 0xffffffu)), step_(step) {}

std::uint32_t Random::bits(std::uint64_t index) const {
  return block(seed_, purpose_stream_, step_, index / 4)[index % 4];
}

float Random::uniform(std::uint64_t index) const { return unit(bits(index)); }

void Random::uniforms(std::uint64_t first, std::span<float> values) const {
  std::size_t i = 0;
  const auto one_block = [&] {
    const std::uint64_t index = first + i;
    const auto words = block(seed_, purpose_stream_, step_, index / 4);
    for (std::size_t word = index % 4; word < 4 && i < values.size(); ++word, ++i) values[i] = unit(words[word]);
  };
  if (first % 4 != 0 && !values.empty()) one_block();
  const auto whole_blocks = static_cast<std::int64_t>((values.size() - i) / 4);
  if (whole_blocks >= min_uniform_blocks()) {
    uniform_blocks({seed_, purpose_stream_, step_, (first + i) / 4}, whole_blocks, values.data() + i);
    i += static_cast<std::size_t>(4 * whole_blocks);
  }
  while (i < values.size()) one_block();
}

float Random::normal(std::uint64_t index) const {
  const auto words = block(seed_, purpose_stream_, step_, index);
  const double radius_uniform = (static_cast<double>(words[0]) + 1) * 0x1p-32;  // (0, 1]: its logarithm is finite
  const double angle = 2 * std::numbers::pi * static_cast<double>(words[1]) * 0x1p-32;
  return static_cast<float>(std::sqrt(-2 * std::log(radius_uniform)) * std::cos(angle));
}

std::uint32_t Random::below(std::uint32_t bound, std::uint64_t index) const {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(bits(index)) * bound >> 32);
}

}  // namespace unroll
