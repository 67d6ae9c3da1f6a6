#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace unroll {

/// Writes a file whole or not at all: temporary file in the same folder (PATH.tmp.PID.N), fsync, rename, fsync of the
/// folder. On failure the old file is unchanged, the temporary file is removed, and Error(io) names the path and the
/// reason ("No space left on device"). Exception: if the last step, the folder's fsync, fails, the new file is already
/// in place, and a power failure may restore the old one. Refuses directories and devices. May be called from several
/// threads; the last one to finish wins.
void write_file_atomically(const std::string& path, std::string_view bytes);

/// Returns the contents of a file; `path` - is standard input. Throws Error: no_input for a file that does not exist,
/// is a directory or cannot be opened, io if reading fails, bad_data for more than `max_size` bytes.
std::string read_file(const std::string& path, std::uint64_t max_size = UINT64_MAX);

}  // namespace unroll
