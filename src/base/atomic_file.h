#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/file_system.h"

namespace unroll {

/// Writes a file whole or not at all: temporary file beside it (PATH.tmp.PID.N), fsync, rename, fsync of the folder. On
/// failure the old file is untouched, the temporary one removed, and Error(io) names the path and the reason ("No space
/// left on device"). Only where the last step fails, the folder's fsync, the new file is in place already, and a power
/// cut may bring the old one back. Refuses directories and devices. Safe to call from several threads; the last one to
/// finish wins.
void write_file_atomically(const std::string& path, std::string_view bytes, FileSystem& files = real_file_system());

/// The same for a file that is never whole in memory: `write_all` hands over its pieces in order.
using WritePiece = std::function<void(std::string_view)>;
void write_file_atomically(const std::string& path, const std::function<void(const WritePiece&)>& write_all,
                           FileSystem& files = real_file_system());

/// Makes last what was created, renamed or removed in a folder. Throws Error(io).
void sync_folder(const std::string& folder, FileSystem& files = real_file_system());

/// Removes the temporary files (*.tmp.PID.N) that killed processes left in a folder. Nobody else may be writing there,
/// in this process or another, on this machine or another: it is for the holder of the folder's DirectoryLock, before
/// the first file is written. A process number says nothing about this, because other machines and later processes have
/// the same ones. What cannot be removed stays.
void remove_unfinished_files(const std::string& folder);

}  // namespace unroll
