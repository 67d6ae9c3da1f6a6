#pragma once

#include <cstdio>
#include <cstdlib>

/// Prints file, line and condition and aborts if `condition` is false. For invariants that no user input can violate.
/// Never compiled out.
#define UNROLL_CHECK(condition)                                                              \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
