#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <vector>

#include "base/denormals.h"
#include "base/thread_pool.h"
#include "unroll/context.h"

namespace unroll {

/// Calls body(begin, end) on parts of [0, count) that are at least `grain` long, at most one per thread, and waits for
/// all. Bodies must not throw, must write disjoint outputs, and the arithmetic of an output must not depend on where
/// the parts end, so that results do not depend on the number of threads.
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

/// Calls body(0), .., body(count - 1), in parallel on the context's threads, and waits for all. If some throw, rethrows
/// the exception of the smallest index.
template <class Body>
void parallel_for_each(Context& context, std::int64_t count, const Body& body) {
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(count));
  parallel_for(context, count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      try {
        body(i);
      } catch (...) {
        failures[static_cast<std::size_t>(i)] = std::current_exception();
      }
    }
  });
  for (const std::exception_ptr& failure : failures) {
    if (failure != nullptr) std::rethrow_exception(failure);
  }
}

}  // namespace unroll
