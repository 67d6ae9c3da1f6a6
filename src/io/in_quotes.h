#pragma once

#include <string>
#include <string_view>

namespace unroll {

/// `text` in double quotes for a one-line message: control characters, quotes and backslashes are escaped, so that a
/// name from a hostile file can neither break the line nor control the terminal. Truncated after 100 bytes.
std::string in_quotes(std::string_view text);

}  // namespace unroll
