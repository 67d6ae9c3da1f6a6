#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace unroll {

/// Where the arithmetic runs. `reference` is the scalar reference for tests: slow, always available.
enum class DeviceKind { cpu, reference };

struct ContextOptions {
  std::uint64_t seed = 0;               ///< of all random numbers
  int threads = 0;                      ///< 1 to 1024; 0: available_threads()
  DeviceKind device = DeviceKind::cpu;  ///< of all arithmetic
};

/// Number of threads this process may use: the affinity mask, capped by the cgroup's CPU quota. At least 1.
int available_threads();

class MemoryPool;
class ThreadPool;

/// A block of floats, aligned to 64 bytes; move-only. Returned to its memory pool on destruction.
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer();

  float* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  friend class Context;
  Buffer(MemoryPool& pool, std::size_t size);
  MemoryPool* pool_ = nullptr;
  float* data_ = nullptr;
  std::size_t size_ = 0;
};

/// The execution environment of computations: device, threads, seed, memory pool. There is no global context: two
/// models in two threads use two contexts. A context serves one thread at a time and must outlive the Vars, Parameters
/// and models made with it.
class Context {
 public:
  explicit Context(ContextOptions options = {});
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  std::uint64_t seed() const { return options_.seed; }
  int threads() const { return options_.threads; }
  DeviceKind device() const { return options_.device; }

  /// A buffer of `size` floats with undefined contents; reuses a free one of that size if there is one.
  Buffer allocate(std::size_t size);

  /// Number of different threads that have worked for this context so far, including the caller's.
  int threads_seen() const;
  ThreadPool& thread_pool() { return *threads_; }
  MemoryPool& memory_pool() const { return *pool_; }

 private:
  ContextOptions options_;
  struct Retire {
    void operator()(MemoryPool* pool) const noexcept;
  };
  std::unique_ptr<MemoryPool, Retire> pool_;
  std::unique_ptr<ThreadPool> threads_;
};

}  // namespace unroll
