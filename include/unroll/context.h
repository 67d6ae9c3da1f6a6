#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace unroll {

/// The use of a random number. Part of the key, so that no two uses share numbers. Do not renumber: the values
/// determine the results of a seed.
enum class RandomStream : std::uint32_t {
  init = 1,
  windows = 2,
  dropout = 3,
  generation = 4,
  folds = 5,
  trees = 6,
  permutations = 7
};

/// Counter-based random numbers: a value is a pure function of (seed, purpose, stream, step, index), so it does
/// not depend on threads, batches or earlier draws. Philox 4x32-10 (Salmon, Moraes, Dror, Shaw:
/// Parallel Random Numbers: As Easy as 1, 2, 3. SC 2011).
class Random {
 public:
  /// `stream`: 24 bits that distinguish parameters or layers; `step`: for example a training step or an epoch.
  Random(std::uint64_t seed, RandomStream purpose, std::uint32_t stream = 0, std::uint32_t step = 0);

  std::uint32_t bits(std::uint64_t index) const;                        ///< 32 uniform bits
  float uniform(std::uint64_t index) const;                             ///< in [0, 1), 24 bits
  void uniforms(std::uint64_t first, std::span<float> values) const;    ///< uniform(first), uniform(first + 1), ..
  float normal(std::uint64_t index) const;                              ///< N(0, 1), Box-Muller
  std::uint32_t below(std::uint32_t bound, std::uint64_t index) const;  ///< in [0, bound); relative bias < bound / 2^32

 private:
  std::uint64_t seed_;
  std::uint32_t purpose_stream_;
  std::uint32_t step_;
};

/// Where the arithmetic runs. `reference` is the scalar reference for tests: slow, always available. `guarded` computes
/// as cpu does, in memory that the host cannot read, like that of a GPU: for tests.
enum class DeviceKind { cpu, reference, guarded };
DeviceKind default_device();  ///< cpu, or the one that UNROLL_DEVICE names, for tests

struct ContextOptions {
  std::uint64_t seed = 0;                ///< of all random numbers
  int threads = 0;                       ///< 1 to 1024; 0: available_threads()
  DeviceKind device = default_device();  ///< of all arithmetic
};

/// Number of threads this process may use: the affinity mask, capped by the cgroup's CPU quota. At least 1.
int available_threads();

class MemoryPool;
class ThreadPool;

/// A block of floats in the memory of a device, aligned to 64 bytes, returned to its pool on destruction; move-only.
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
  Buffer allocate_on_host(std::size_t size);  ///< the same in memory of the host, whatever the device

  /// Number of different threads that have worked for this context so far, including the caller's.
  int threads_seen() const;
  ThreadPool& thread_pool() { return *threads_; }
  MemoryPool& memory_pool() const { return *pool_; }  ///< of the host

 private:
  ContextOptions options_;
  struct Retire {
    void operator()(MemoryPool* pool) const noexcept;
  };
  std::unique_ptr<MemoryPool, Retire> pool_, device_pool_;  // the second one only where the host cannot read tensors
  std::unique_ptr<ThreadPool> threads_;
};

}  // namespace unroll
