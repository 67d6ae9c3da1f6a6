#pragma once

#include <cstdio>
#include <cstdlib>

/// For invariants that no input of a user can break: names the place and aborts. Never compiled out.
#define UNROLL_CHECK(condition)                                                              \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
