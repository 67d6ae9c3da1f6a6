#include "allocations/counted.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

// Functions that the executable defines replace those of the C library in all libraries that it loads.

namespace {

std::atomic<std::int64_t> counter{0};

void count() { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace

namespace unroll::test {

std::int64_t allocations() { return counter.load(); }

}  // namespace unroll::test

extern "C" {

// The C library's own functions, under the names that it provides for this purpose.
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) noexcept {
  count();
  return __libc_malloc(bytes);
}

void* calloc(std::size_t elements, std::size_t bytes) noexcept {
  count();
  return __libc_calloc(elements, bytes);
}

void* realloc(void* block, std::size_t bytes) noexcept {
  count();
  return __libc_realloc(block, bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  count();
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept { return memalign(alignment, bytes); }

int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept {
  *block = memalign(alignment, bytes);
  return *block == nullptr ? ENOMEM : 0;
}

void* mmap(void* address, std::size_t bytes, int protection, int flags, int file, off_t offset) noexcept {
  count();
  return reinterpret_cast<void*>(syscall(SYS_mmap, address, bytes, protection, flags, file, offset));
}

}  // extern "C"
