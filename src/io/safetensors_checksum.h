#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace unroll {

/// Every safetensors file that unroll writes has a checksum: the XXH3 of all its bytes, in which the sixteen digits of
/// the checksum itself count as zeros ("0000000000000000"). It is the first of the metadata, so that all these files
/// begin alike and the digits always stand at one place.
constexpr std::string_view checksum_key = "xxh3";
constexpr std::string_view header_before_checksum = R"({"__metadata__":{"xxh3":")";
constexpr std::string_view no_checksum_yet = "0000000000000000";
constexpr std::size_t checksum_begin = 8 + header_before_checksum.size();  // 8: the header's length

/// Whether a file has a checksum, right or wrong.
bool has_checksum(std::string_view file);

/// The checksum that belongs to a file which has one.
std::string checksum_of(std::string_view file);

/// Whether it is there.
bool is_undamaged(std::string_view file);

/// Writes the digits into a file, or into the beginning of one.
void put_checksum(std::string& file, std::string_view digits);

}  // namespace unroll
