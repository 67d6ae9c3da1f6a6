#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/file_system.h"

namespace unroll {

/// Writes a file whole or not at all: temporary file in the same folder (PATH.tmp.PID.N), fsync, rename, fsync of the
/// folder. On failure the old file is unchanged, the temporary file is removed, and Error(io) names the path and the
/// reason ("No space left on device"). Exception: if the last step, the folder's fsync, fails, the new file is already
/// in place, and a power failure may restore the old one. Refuses directories and devices. May be called from several
/// threads; the last one to finish wins.
void write_file_atomically(const std::string& path, std::string_view bytes, FileSystem& files = real_file_system());

/// Writes a file that is never held in memory as a whole: `write_all` passes its pieces in order.
using WritePiece = std::function<void(std::string_view)>;
void write_file_atomically(const std::string& path, const std::function<void(const WritePiece&)>& write_all,
                           FileSystem& files = real_file_system());

/// Makes creations, renames and removals in a folder durable. Throws Error(io).
void sync_folder(const std::string& folder, FileSystem& files = real_file_system());

/// Removes the temporary files (*.tmp.PID.N) that killed processes left in a folder. No other process or thread may be
/// writing there, on this machine or another: call it while holding the folder's DirectoryLock, before the first file
/// is written. Process numbers cannot tell whether a file is in use, because other machines and later processes have
/// the same numbers. Files that cannot be removed stay.
void remove_unfinished_files(const std::string& folder);

}  // namespace unroll
