#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "unroll/context.h"

namespace unroll {

/// Free blocks of memory by size. Whatever a computation makes anew in every step lies in them, tensors and the graph
/// itself: after the first step, nothing is asked of the system any more. Locked, since a block may be given back
/// elsewhere, and alive until the last one has come back, since they may outlive the context.
class MemoryPool {
 public:
  MemoryPool() = default;
  MemoryPool(const MemoryPool&) = delete;
  MemoryPool& operator=(const MemoryPool&) = delete;
  /// The owner takes no more: the pool goes when all blocks are back.
  void retire() noexcept;

  /// `bytes` with undefined contents, aligned to 64 bytes. Throws std::bad_alloc.
  void* take(std::size_t bytes);
  /// `bytes`: as they were taken.
  void give_back(void* block, std::size_t bytes) noexcept;

 private:
  ~MemoryPool();

  /// What a block is while it is free, so that giving back needs no memory.
  struct FreeBlock {
    FreeBlock* next;
  };
  struct FreeList {
    std::size_t bytes;
    FreeBlock* first;
  };
  std::vector<FreeList>::iterator find(std::size_t bytes);

  std::mutex mutex_;
  std::vector<FreeList> lists_;  // of all sizes ever taken, ascending
  std::int64_t taken_ = 0;       // blocks
  bool retired_ = false;
};

/// A context's pool as a standard allocator.
template <class T>
class PoolAllocator {
 public:
  using value_type = T;

  PoolAllocator(const Context& context) : pool_(&context.memory_pool()) {}
  template <class U>
  PoolAllocator(const PoolAllocator<U>& other) : pool_(other.pool()) {}

  T* allocate(std::size_t count) { return static_cast<T*>(pool_->take(count * sizeof(T))); }
  void deallocate(T* block, std::size_t count) noexcept { pool_->give_back(block, count * sizeof(T)); }

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

/// std::make_shared in the memory of the context's pool.
template <class T, class... Arguments>
std::shared_ptr<T> make_pooled(Context& context, Arguments&&... arguments) {
  return std::allocate_shared<T>(PoolAllocator<T>(context), std::forward<Arguments>(arguments)...);
}

}  // namespace unroll
