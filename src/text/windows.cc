#include <fmt/format.h>

#include <limits>
#include <numeric>

#include "base/require.h"
#include "base/shuffle.h"
#include "unroll/context.h"
#include "unroll/corpus.h"
#include "unroll/error.h"

namespace unroll {

Windows::Windows(WindowKind kind, std::span<const std::int32_t> ids, int batch, int window, std::uint64_t seed)
    : kind_(kind), ids_(ids), batch_(batch), window_(window), seed_(seed) {
  require_known("windows", kind);
  if (batch < 1 || window < 1)
    throw Error(fmt::format("windows: batch {} and steps {} must both be 1 or more", batch, window));
  const bool random = kind == WindowKind::random;
  const std::int64_t length = static_cast<std::int64_t>(ids.size()), rows = batch, width = window;
  const std::int64_t needed = random ? rows * width + 1 : rows * (width + 1);
  if (length < needed) {
    throw Error(
        ExitCode::bad_data,
        fmt::format(
            "the text has {} symbols, but batch {} and {} steps need {} or more for {} windows; take a longer text, "
            "a smaller batch or fewer steps",
            length, batch, window, needed, random ? "random" : "consecutive"));
  }
  if (random) {
    const std::int64_t windows = (length - 1) / width;
    if (windows > std::numeric_limits<std::uint32_t>::max()) {
      throw Error(
          fmt::format("windows: {} random windows are more than 2^32; take more than {} steps", windows, window));
    }
    order_.resize(static_cast<std::size_t>(windows));
    batches_ = windows / rows;
  } else {
    batches_ = (length / rows - 1) / width;
  }
  begin_epoch(1);
}

void Windows::begin_epoch(std::int64_t epoch) {
  std::iota(order_.begin(), order_.end(), 0u);
  shuffle(std::span(order_), Random(seed_, RandomStream::windows, 0, static_cast<std::uint32_t>(epoch)));
}

Batch Windows::batch(std::int64_t index) const {
  Batch result;
  read(index, {.first = 0, .count = batch_}, result);
  return result;
}

void Windows::read(std::int64_t index, Range rows, Batch& batch) const {
  if (index < 0 || index >= batches_) {
    throw Error(fmt::format("windows: there is no batch {}; they are 0 to {}", index, batches_ - 1));
  }
  if (rows.first < 0 || rows.count < 0 || rows.count > batch_ || rows.first > batch_ - rows.count) {
    throw Error(
        fmt::format("windows: there are no {} rows from row {} on; a batch has {}", rows.count, rows.first, batch_));
  }
  const bool random = kind_ == WindowKind::random;
  const std::size_t stream_length = ids_.size() / static_cast<std::size_t>(batch_),
                    width = static_cast<std::size_t>(window_);
  for (Ids* ids : {&batch.ids, &batch.targets}) {
    if (ids->steps() != window_ || ids->batch() != rows.count) *ids = Ids(window_, static_cast<int>(rows.count));
  }
  batch.carries_state = !random && index > 0;
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const std::size_t b = static_cast<std::size_t>(rows.first) + static_cast<std::size_t>(row);
    const std::size_t i = static_cast<std::size_t>(index);
    const std::size_t to = static_cast<std::size_t>(row);
    const std::size_t start =
        random ? order_[i * static_cast<std::size_t>(batch_) + b] * width : b * stream_length + i * width;
    for (int t = 0; t < window_; ++t) {
      const std::size_t position = start + static_cast<std::size_t>(t);
      batch.ids[t][to] = ids_[position];
      batch.targets[t][to] = ids_[position + 1];
    }
  }
}

}  // namespace unroll
