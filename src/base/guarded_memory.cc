#include "base/guarded_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

#include "base/check.h"

namespace unroll {
namespace {

constexpr std::size_t capacity = std::size_t{16} << 30;  // of addresses; pages that nobody has written take no memory

char* reserved(int access) {
  void* const range = mmap(nullptr, capacity, access, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (range == MAP_FAILED) throw std::bad_alloc();
  return static_cast<char*>(range);
}

}  // namespace

GuardedMemory& guarded_memory() {
  static GuardedMemory* const memory = new GuardedMemory;  // threads may use it until the process ends
  return *memory;
}

GuardedMemory::GuardedMemory() : begin_(reserved(PROT_NONE)), values_(reserved(PROT_READ | PROT_WRITE)), end_(begin_) {}

bool GuardedMemory::contains(const void* address) const { return address >= begin_ && address < begin_ + capacity; }

float* GuardedMemory::place_of(const float* address) const {
  UNROLL_CHECK(contains(address));
  return reinterpret_cast<float*>(values_ + (reinterpret_cast<const char*>(address) - begin_));
}

/// Blocks of a size that is free are used again; others are never joined or divided, which suffices for tests.
void* GuardedMemory::allocate(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(free_.rbegin(), free_.rend(), [&](const FreeBlock& b) { return b.bytes == bytes; });
  if (found != free_.rend()) {
    std::swap(*found, free_.back());
    char* const block = free_.back().address;
    free_.pop_back();
    return block;
  }
  if (static_cast<std::size_t>(begin_ + capacity - end_) < bytes) throw std::bad_alloc();
  return std::exchange(end_, end_ + bytes);
}

void GuardedMemory::release(void* block, std::size_t bytes) noexcept {
  const std::lock_guard lock(mutex_);
  free_.push_back({bytes, static_cast<char*>(block)});
}

void GuardedMemory::upload(std::span<const float> from, float* to) {
  if (!from.empty()) std::ranges::copy(from, place_of(to));
}

void GuardedMemory::download(const float* from, std::span<float> to) {
  if (!to.empty()) std::copy_n(place_of(from), to.size(), to.begin());
}

}  // namespace unroll
