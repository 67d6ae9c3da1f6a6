#pragma once

#include <cstdint>

namespace unroll {

/// `count` consecutive indices from `first` on: rows, shards, batches, elements.
struct Range {
  std::int64_t first = 0;
  std::int64_t count = 0;
  std::int64_t end() const { return first + count; }
  bool operator==(const Range&) const = default;
};

/// Part `index` of `parts` nearly equal parts of [0, count): their sizes differ by at most one.
inline Range part_of(std::int64_t count, std::int64_t index, std::int64_t parts) {
  const std::int64_t first = count * index / parts;
  return {first, count * (index + 1) / parts - first};
}

}  // namespace unroll
