#pragma once

#include <atomic>
#include <chrono>
#include <thread>

#include "base/parallel.h"
#include "unroll/context.h"

namespace unroll::test {

/// Runs one task per thread of the context, each of which waits for all others to start, so that all threads run at
/// once even on fewer cores. False if they have not all started within a minute.
inline bool all_threads_take_part(Context& context) {
  std::atomic<int> arrived{0};
  std::atomic<bool> late{false};
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  parallel_for(context, context.threads(), 1, [&](std::int64_t, std::int64_t) {
    ++arrived;
    while (arrived < context.threads() && !late) {
      std::this_thread::yield();
      if (std::chrono::steady_clock::now() > deadline) late = true;
    }
  });
  return !late && context.threads_seen() == context.threads();
}

}  // namespace unroll::test
