#pragma once

#include <cstdint>

namespace unroll::test {

/// Number of memory requests of this process so far, in all threads and libraries: malloc, calloc, realloc,
/// aligned_alloc, posix_memalign, memalign, operator new (which calls them) and mmap.
std::int64_t allocations();

}  // namespace unroll::test
