#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "unroll/error.h"
#include "unroll/options.h"

namespace unroll {

/// Upper bound of counts that callers choose or files hold: sums of a few of them do not overflow.
inline constexpr std::int64_t max_count = std::int64_t{1} << 60;

/// Throws Error that names the option if value < least or value > max_count.
inline void require_count(const char* name, std::int64_t value, std::int64_t least) {
  if (value < least) throw Error(fmt::format("{} is {}; it must be at least {}", name, value, least));
  if (value > max_count) throw Error(fmt::format("{} is {}; it must be at most {}", name, value, max_count));
}

/// Throws Error that names the option if `value` is none of the enumeration's.
template <class Value>
void require_known(const char* name, Value value) {
  const EnumNames<Value>& known = enum_names<Value>();
  if (std::ranges::find(known, value, &std::pair<std::string, Value>::second) != known.end()) return;
  throw Error(fmt::format("{} is {}, which is no {}", name, static_cast<int>(value), name));
}

}  // namespace unroll
