#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/file_system.h"
#include "unroll/atomic_file.h"

namespace unroll {

/// write_file_atomically() on this file system.
void write_file_atomically(const std::string& path, std::string_view bytes, FileSystem& files);

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
