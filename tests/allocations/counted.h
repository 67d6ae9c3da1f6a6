#pragma once

#include <cstdint>

namespace unroll::testing {

/// How often this process has asked for memory, in any thread and from within any library: malloc, calloc, realloc,
/// aligned_alloc, posix_memalign, memalign, operator new (which calls them) and mmap.
std::int64_t allocations();

}  // namespace unroll::testing
