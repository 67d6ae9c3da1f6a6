#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace unroll {

/// Writes a file whole or not at all: temporary file beside it (PATH.tmp.PID.N), fsync, rename, fsync of the folder. On
/// failure the old file is untouched, the temporary one removed, and Error(io) names the path and the reason ("No space
/// left on device"). Refuses directories and devices. Safe to call from several threads; the last one to finish wins.
void write_file_atomically(const std::string& path, std::string_view bytes);

/// The same for a file that is never whole in memory: `write_all` hands over its pieces in order.
using WritePiece = std::function<void(std::string_view)>;
void write_file_atomically(const std::string& path, const std::function<void(const WritePiece&)>& write_all);

}  // namespace unroll
