#include "base/thread_pool.h"

#include <cstddef>
#include <system_error>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace unroll {
namespace {

void spin_pause() {
#if defined(__x86_64__)
  _mm_pause();
#else
  std::this_thread::yield();
#endif
}

// About ten microseconds of spinning: longer than the gap between two jobs of a training step, shorter than sleeping
// and waking up.
constexpr int spins = 500;

}  // namespace

ThreadPool::~ThreadPool() {
  stop_.store(true);
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

/// If the system cannot create enough threads, continues with fewer; results are the same.
void ThreadPool::start() try {
  while (static_cast<int>(helpers_.size()) < threads_ - 1) helpers_.emplace_back([this] { help(); });
} catch (const std::system_error&) {
  threads_ = static_cast<int>(helpers_.size()) + 1;
}

/// Claims and runs one part of the job `generation`; false if none is left.
bool ThreadPool::claim_and_run(std::uint32_t generation, bool& seen) {
  std::uint64_t current = ticket_.load(std::memory_order_acquire);
  std::int64_t mine = 0;
  do {
    mine = static_cast<std::int64_t>(current & 0xffffffffu);
    if (static_cast<std::uint32_t>(current >> 32) != generation || mine >= parts_.load(std::memory_order_relaxed))
      return false;
  } while (!ticket_.compare_exchange_weak(current, current + 1, std::memory_order_acq_rel, std::memory_order_acquire));
  if (!seen) {
    seen = true;
    threads_seen_.fetch_add(1, std::memory_order_relaxed);
  }
  part_(body_, mine);
  unfinished_.fetch_sub(1, std::memory_order_release);
  return true;
}

void ThreadPool::help() {
  bool seen = false;
  std::uint32_t done = 0;
  while (true) {
    std::uint32_t generation = generation_.load(std::memory_order_acquire);
    for (int i = 0; i < spins && generation == done; ++i) {
      spin_pause();
      generation = generation_.load(std::memory_order_acquire);
    }
    if (generation == done) {
      generation_.wait(done);
      continue;
    }
    if (stop_.load()) return;
    while (claim_and_run(generation, seen)) {
    }
    done = generation;
  }
}

void ThreadPool::run(std::int64_t parts, Part part, const void* body) {
  start();
  const std::uint32_t generation = generation_.load(std::memory_order_relaxed) + 1;
  // Close the old job before its description changes, open the new one after.
  ticket_.store(ticket(generation, 0xffffffffu), std::memory_order_seq_cst);
  parts_.store(parts, std::memory_order_relaxed);
  part_ = part;
  body_ = body;
  unfinished_.store(parts, std::memory_order_relaxed);
  ticket_.store(ticket(generation, 0), std::memory_order_release);
  generation_.store(generation, std::memory_order_release);
  generation_.notify_all();
  while (claim_and_run(generation, caller_seen_)) {
  }
  for (int i = 0; unfinished_.load(std::memory_order_acquire) != 0; ++i) {
    if (i < spins) {
      spin_pause();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace unroll
