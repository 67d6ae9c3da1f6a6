#include "base/memory_pool.h"

#include <algorithm>

#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#define ASAN_UNPOISON_MEMORY_REGION(address, size) (static_cast<void>(address), static_cast<void>(size))
#endif

namespace unroll {
namespace {

constexpr std::size_t alignment = 64;

/// Rounds up to whole cache lines; blocks of the same rounded size share a free list.
std::size_t rounded(std::size_t bytes) { return std::max(bytes + alignment - 1, alignment) / alignment * alignment; }

}  // namespace

MemoryPool::~MemoryPool() {
  for (const FreeList& list : lists_) {
    for (void* block : list.free) {
      ASAN_UNPOISON_MEMORY_REGION(block, list.bytes);
      memory_.release(block, list.bytes);
    }
  }
}

std::vector<MemoryPool::FreeList>::iterator MemoryPool::find(std::size_t bytes) {
  return std::lower_bound(lists_.begin(), lists_.end(), bytes,
                          [](const FreeList& list, std::size_t size) { return list.bytes < size; });
}

void* MemoryPool::take(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  const std::lock_guard lock(mutex_);
  auto list = find(size);
  if (list == lists_.end() || list->bytes != size) list = lists_.insert(list, {size, 0, {}});
  if (!list->free.empty()) {
    void* const block = list->free.back();
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    list->free.pop_back();
    ++taken_;
    return block;
  }
  if (list->free.capacity() <= list->blocks) list->free.reserve(2 * list->blocks + 1);
  void* const block = memory_.allocate(size);
  ++list->blocks;
  ++taken_;
  return block;
}

void MemoryPool::give_back(void* block, std::size_t bytes) noexcept {
  const std::size_t size = rounded(bytes);
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    find(size)->free.push_back(block);
    ASAN_POISON_MEMORY_REGION(block, size);
    last = --taken_ == 0 && retired_;
  }
  if (last) delete this;
}

void MemoryPool::retire() noexcept {
  bool last = false;
  {
    const std::lock_guard lock(mutex_);
    retired_ = true;
    last = taken_ == 0;
  }
  if (last) delete this;
}

}  // namespace unroll
