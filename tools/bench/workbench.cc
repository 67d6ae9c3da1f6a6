#include "workbench.h"

#include <algorithm>

#include "unroll/context.h"

namespace unroll::bench {

Workbench::Workbench(int threads) : context_({.seed = 1, .threads = threads}) {}

std::span<float> Workbench::numbers(std::int64_t count, float low, float high) {
  const Random random(context_.seed(), RandomStream::init, static_cast<std::uint32_t>(tensors_.size()));
  tensors_.emplace_back(context_, Shape{count});
  const std::span<float> values = tensors_.back().span();
  random.uniforms(0, values);
  for (float& value : values) value = low + (high - low) * value;
  return values;
}

float* Workbench::zeros(std::int64_t count) {
  tensors_.push_back(Tensor::zeros(context_, {count}));
  return tensors_.back().data();
}

std::span<const std::int32_t> Workbench::indices(std::int64_t count, int bound) {
  const Random random(context_.seed(), RandomStream::windows, static_cast<std::uint32_t>(indices_.size()));
  std::vector<std::int32_t>& ids = indices_.emplace_back(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(bound), i));
  }
  return ids;
}

}  // namespace unroll::bench
