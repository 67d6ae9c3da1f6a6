#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace unroll {

/// Runs the parts of one job at a time on the calling thread and helper threads. Parts are claimed, not assigned: the
/// job does not wait for a helper that the system does not schedule. This keeps several threads from being slower than
/// one on a busy machine; OpenMP regions wait at a barrier for every thread.
class ThreadPool {
 public:
  /// `threads` includes the calling thread. Helpers are started by the first job.
  explicit ThreadPool(int threads) : threads_(threads) {}
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;
  ~ThreadPool();

  using Part = void (*)(const void* body, std::int64_t part);

  /// Calls part(body, i) once for each i in [0, parts), and returns when all are done. Parts must not throw. Must not
  /// be called from several threads at once.
  void run(std::int64_t parts, Part part, const void* body);

  /// Number of different threads that have run a part so far.
  int threads_seen() const { return threads_seen_.load(std::memory_order_relaxed); }

 private:
  void help();
  bool claim_and_run(std::uint32_t generation, bool& seen);
  void start();

  // Job number and next part in one word, so that a late helper cannot claim a part of a later job.
  static std::uint64_t ticket(std::uint32_t generation, std::uint32_t next) {
    return static_cast<std::uint64_t>(generation) << 32 | next;
  }

  int threads_;  // reduced if the system cannot create as many
  std::vector<std::thread> helpers_;
  std::atomic<std::uint64_t> ticket_{0};
  std::atomic<std::uint32_t> generation_{0};  // helpers wait for it to change
  std::atomic<std::int64_t> unfinished_{0};
  std::atomic<int> threads_seen_{0};
  std::atomic<bool> stop_{false};
  bool caller_seen_ = false;

  // The current job; does not change while it has unfinished parts.
  std::atomic<std::int64_t> parts_{0};
  Part part_ = nullptr;
  const void* body_ = nullptr;
};

}  // namespace unroll
