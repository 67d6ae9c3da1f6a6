#pragma once

#include <algorithm>
#include <cstdint>

#include "base/denormals.h"
#include "base/thread_pool.h"
#include "unroll/context.h"

namespace unroll {

/// Calls body(begin, end) on parts of [0, count) that are at least `grain` long, at most one per thread, and waits for
/// all. Which thread runs what is not part of any result: bodies write disjoint outputs, and each output's arithmetic
/// does not depend on where the parts end. Bodies do not throw.
template <class Body>
void parallel_for(Context& context, std::int64_t count, std::int64_t grain, const Body& body) {
  const std::int64_t parts = std::clamp<std::int64_t>(count / std::max<std::int64_t>(grain, 1), 1, context.threads());
  const auto run = [&](std::int64_t part) noexcept {
    const FlushDenormals flush;
    const std::int64_t begin = count * part / parts, end = count * (part + 1) / parts;
    if (begin < end) body(begin, end);
  };
  if (parts == 1) {
    run(0);
    return;
  }
  context.thread_pool().run(
      parts, [](const void* f, std::int64_t part) { (*static_cast<const decltype(run)*>(f))(part); }, &run);
}

}  // namespace unroll
