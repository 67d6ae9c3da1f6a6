#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unroll {

bool is_gzip(std::string_view bytes);  ///< by its first bytes

/// Unpacks a gzip file (RFC 1952; one or more members) and verifies its checksums. `name`: the file's name in messages.
/// Throws Error(bad_data) for a damaged or truncated file and for one that unpacks to more than `longest` bytes.
std::string gunzip(std::string_view bytes, const std::string& name, std::uint64_t longest);

}  // namespace unroll
