#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unroll {

/// Every safetensors file that unroll writes has a checksum: the XXH3 of all its bytes, computed with the sixteen
/// digits of the checksum itself replaced by "0000000000000000". It is the first metadata entry, so that its digits
/// have the same offset in every file.
constexpr std::string_view checksum_key = "xxh3";
constexpr std::string_view header_before_checksum = R"({"__metadata__":{"xxh3":")";
constexpr std::string_view no_checksum_yet = "0000000000000000";
constexpr std::size_t checksum_begin = 8 + header_before_checksum.size();  // 8: the header's length field

/// True if a file has a checksum, whether or not it matches.
bool has_checksum(std::string_view file);

/// Computes the checksum of a file. Requires has_checksum(file).
std::string checksum_of(std::string_view file);

/// True if the checksum in the file equals checksum_of(file). Requires has_checksum(file).
bool is_undamaged(std::string_view file);

/// Writes the digits into a file, or into the first part of one. Requires has_checksum(file).
void put_checksum(std::string& file, std::string_view digits);

}  // namespace unroll
