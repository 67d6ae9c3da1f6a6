#pragma once

#include <sys/file.h>

#include <string>

namespace unroll {

/// Keeps a folder to one training run, while it lives: flock(2) on a file `lock` in it. The kernel gives the lock back
/// when its process dies, however it dies, so nothing is left that must be cleaned up; an empty file `lock` that a
/// killed process leaves means nothing. Two locks in one process exclude each other too.
class DirectoryLock {
 public:
  /// Throws Error: usage where another lock holds the folder, io where the folder or its file system has no place for
  /// one. Without locks two runs would overwrite each other's files, so this is no warning. `flock` is that of the
  /// system; tests give another.
  explicit DirectoryLock(const std::string& folder, int (*flock)(int descriptor, int operation) = ::flock);
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;
  /// Removes the file and gives the lock back.
  ~DirectoryLock();

 private:
  std::string path_;
  int descriptor_ = -1;
};

}  // namespace unroll
