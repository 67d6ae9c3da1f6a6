#pragma once

#include <fmt/format.h>

#include <cstdint>

#include "unroll/error.h"

namespace unroll {

/// Throws Error that names the option if value < least.
inline void require_at_least(const char* name, std::int64_t value, std::int64_t least) {
  if (value < least) throw Error(fmt::format("{} is {}; it must be at least {}", name, value, least));
}

}  // namespace unroll
