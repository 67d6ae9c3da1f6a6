#pragma once

#include <sys/file.h>

#include <string>

#include "unroll/error.h"

namespace unroll {

/// Thrown if another lock holds the folder.
class FolderInUse : public Error {
 public:
  using Error::Error;
};

/// Exclusive lock on a folder for one training run, held during the object's lifetime: flock(2) on a file `lock` in it.
/// The kernel releases the lock when the process ends in any way, so nothing needs to be cleaned up; an empty file
/// `lock` left by a killed process has no effect. Two locks in one process exclude each other too.
class DirectoryLock {
 public:
  /// Throws FolderInUse, and Error(io) if the file cannot be created or the file system does not
  /// support locks. This is not a warning, because without locks two runs would overwrite each other's files. `flock`
  /// is the system call; tests pass another function.
  explicit DirectoryLock(const std::string& folder, int (*flock)(int descriptor, int operation) = ::flock);
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  /// Removes the file and releases the lock.
  ~DirectoryLock();

 private:
  std::string path_;
  int descriptor_ = -1;
};

/// True if a DirectoryLock of any process of this machine holds the folder.
bool is_locked(const std::string& folder);

}  // namespace unroll
