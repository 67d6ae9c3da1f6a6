#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace unroll {

/// Runs the parts of one job at a time on the calling thread and some helpers. Parts are claimed, not assigned: a
/// helper that the system does not schedule just claims nothing, and nobody waits for it. That is what keeps more
/// threads from being slower than one on a busy machine, where OpenMP's regions wait until every thread has come and
/// gone.
class ThreadPool {
 public:
  /// `threads` in all, the caller's included. Helpers start with the first job.
  explicit ThreadPool(int threads) : threads_(threads) {}
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  using Part = void (*)(const void* body, std::int64_t part);

  /// Calls part(body, i) once for each i in [0, parts), and returns when all are done. Parts do not throw. From one
  /// thread at a time.
  void run(std::int64_t parts, Part part, const void* body);

  /// How many different threads have run a part so far.
  int threads_seen() const { return threads_seen_.load(std::memory_order_relaxed); }

 private:
  void help();
  bool claim_and_run(std::uint32_t generation, bool& seen);
  void start();

  // Which job it is and which of its parts is next, in one word, so that a late helper can't claim a part of a later
  // job by mistake.
  static std::uint64_t ticket(std::uint32_t generation, std::uint32_t next) {
    return static_cast<std::uint64_t>(generation) << 32 | next;
  }

  int threads_;  // no more than the system had
  std::vector<std::thread> helpers_;
  std::atomic<std::uint64_t> ticket_{0};
  std::atomic<std::uint32_t> generation_{0};  // what helpers sleep on
  std::atomic<std::int64_t> unfinished_{0};
  std::atomic<int> threads_seen_{0};
  std::atomic<bool> stop_{false};
  bool caller_seen_ = false;

  // The job; stable while it has unfinished parts.
  std::atomic<std::int64_t> parts_{0};
  Part part_ = nullptr;
  const void* body_ = nullptr;
};

}  // namespace unroll
