#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace unroll {

/// Where the arithmetic runs. `reference` is the scalar oracle of the tests: slow, and always there.
enum class DeviceKind { cpu, reference };

struct ContextOptions {
  std::uint64_t seed = 0;               ///< every random number is a function of it
  int threads = 0;                      ///< 0: what the affinity mask and the cgroup quota allow
  DeviceKind device = DeviceKind::cpu;  ///< where the arithmetic runs
};

/// Threads this process may use at once: the affinity mask, capped by the cgroup's CPU quota. At least 1.
int available_threads();

class MemoryPool;
class ThreadPool;

/// A block of floats aligned to 64 bytes, move-only; goes back to its pool when destroyed.
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

/// What a computation needs from its surroundings: device, threads, seed, recycled memory. There is no global
/// one: two models in two threads use two contexts. One context serves one thread at a time. It must
/// outlive the Vars, Parameters and models made with it.
class Context {
 public:
  explicit Context(ContextOptions options = {});
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context();

  std::uint64_t seed() const { return options_.seed; }
  int threads() const { return options_.threads; }
  DeviceKind device() const { return options_.device; }

  /// A buffer of `size` floats with undefined contents, recycled where one of that size is free.
  Buffer allocate(std::size_t size);

  /// How many different threads have worked for this context so far, the caller's included.
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
