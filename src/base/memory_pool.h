#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/device_memory.h"

namespace unroll {

/// Free lists of memory blocks by size, for the tensors and graph nodes that every step allocates: after the first step
/// no memory is requested from the system. Thread-safe, because a block may be released on another thread. Outlives its
/// context until the last block has been returned.
class MemoryPool {
 public:
  /// Its blocks are in `memory`.
  explicit MemoryPool(DeviceMemory& memory) : memory_(memory) {}
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;
  /// Called by the owner in place of a destructor: the pool deletes itself when all blocks have been returned.
  void retire() noexcept;

  /// Returns a block of `bytes` with undefined contents, aligned to 64 bytes. Throws std::bad_alloc.
  void* take(std::size_t bytes);
  /// Returns a block to the pool; `bytes` is the size passed to take().
  void give_back(void* block, std::size_t bytes) noexcept;

 private:
  ~MemoryPool();

  struct FreeList {
    std::size_t bytes;
    std::size_t blocks;       // free and in use
    std::vector<void*> free;  // with capacity for all blocks, so that give_back() needs no memory
  };
  std::vector<FreeList>::iterator find(std::size_t bytes);

  DeviceMemory& memory_;
  std::mutex mutex_;
  std::vector<FreeList> lists_;  // one for each size ever taken, ascending
  std::int64_t taken_ = 0;       // blocks in use
  bool retired_ = false;
};

/// Standard allocator over a context's pool.
template <class T>
class PoolAllocator {
 public:
  using value_type = T;

  PoolAllocator(const Context& context) : pool_(&context.memory_pool()) {}
  template <class U>
  PoolAllocator(const PoolAllocator<U>& other) : pool_(other.pool()) {}

  // T may be a pointer, of which bugprone-sizeof-expression warns.
  T* allocate(std::size_t count) { return static_cast<T*>(pool_->take(count * sizeof(T))); }             // NOLINT
  void deallocate(T* block, std::size_t count) noexcept { pool_->give_back(block, count * sizeof(T)); }  // NOLINT

  MemoryPool* pool() const { return pool_; }
  template <class U>
  bool operator==(const PoolAllocator<U>& other) const {
    return pool_ == other.pool();
  }

 private:
  MemoryPool* pool_;
};

template <class T>
using PooledVector = std::vector<T, PoolAllocator<T>>;

/// std::make_shared with memory from the context's pool.
template <class T, class... Arguments>
std::shared_ptr<T> make_pooled(Context& context, Arguments&&... arguments) {
  return std::allocate_shared<T>(PoolAllocator<T>(context), std::forward<Arguments>(arguments)...);
}

}  // namespace unroll
