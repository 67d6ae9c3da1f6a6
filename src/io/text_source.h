#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "io/file.h"

namespace unroll {

/// What a small file may unpack to. A longer text has to be unpacked by its owner, so that a few hostile kilobytes
/// cannot fill the memory.
constexpr std::uint64_t longest_unpacked = std::uint64_t{1} << 30;

struct SourceLimits {
  std::uint64_t plain = no_limit;             ///< stop reading a plain file after this many bytes
  std::uint64_t unpacked = longest_unpacked;  ///< refuse an archive that unpacks to more bytes
};

/// The bytes of a text. `source` is a file, ARCHIVE.zip:MEMBER, or - for standard input; gzip and zip are known by
/// their first bytes, not by their names. A file whose own name has a colon is found first. An archive is always read
/// to its end, so that its checksum counts. Throws Error: no_input where there is nothing to open, bad_data for a
/// damaged or ambiguous archive, io where reading fails.
std::string read_source(const std::string& source, const SourceLimits& limits = {});

/// The same bytes in pieces, so that a plain file is never in memory as a whole. Throws as read_source does, perhaps
/// after some pieces.
void for_each_piece(const std::string& source, const std::function<void(std::string_view)>& take);

}  // namespace unroll
