#pragma once

#include <cstdio>
#include <cstdlib>

#include "unroll/error.h"

namespace unroll {

/// True if `action` throws Error(bad_data) with a message of one line, which is how a reader refuses its input. Any
/// other failure ends the fuzzer.
template <class Action>
bool refuses(Action&& action) {
  try {
    action();
    return false;
  } catch (const Error& error) {
    const bool one_line = std::string(error.what()).find('\n') == std::string::npos;
    if (error.code() == ExitCode::bad_data && one_line) return true;
    std::fprintf(stderr, "refused in the wrong way: %s\n", error.what());
    std::abort();
  }
}

}  // namespace unroll
