#include "base/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "unroll/error.h"

namespace unroll {
namespace {

[[noreturn]] void refuse(const std::string& folder, int error) {
  switch (error) {
    case EWOULDBLOCK:
      throw FolderInUse(
          fmt::format("another training run is using the folder {}: wait until it ends, stop it, or choose another "
                      "folder",
                      folder));
    case ENOLCK:
    case ENOSYS:
    case EOPNOTSUPP:
      throw Error(ExitCode::io,
                  fmt::format("the folder {} cannot be kept to one training run: its file system has no locks "
                              "({}); choose a folder on another one",
                              folder, std::strerror(error)));
    default:
      throw Error(ExitCode::io,
                  fmt::format("the folder {} cannot be locked: {}; choose another", folder, std::strerror(error)));
  }
}

/// True if `path` still names the open file. The holder unlinks the file on release: a process that opened it before
/// would hold a lock on a deleted file, which excludes no other process.
bool is_still(const std::string& path, int descriptor) {
  struct stat ours {
  }, there{};
  return ::fstat(descriptor, &ours) == 0 && ::stat(path.c_str(), &there) == 0 && ours.st_dev == there.st_dev &&
         ours.st_ino == there.st_ino;
}

}  // namespace

DirectoryLock::DirectoryLock(const std::string& folder, int (*flock)(int, int)) : path_(folder + "/lock") {
  // Listing runs takes the lock briefly to see whether a training run holds it, so a held lock is tried again.
  constexpr int attempts = 10;
  constexpr std::chrono::milliseconds pause(5);
  for (int attempt = 1;; ++attempt) {
    // Closed on exec: otherwise a child would keep the lock after its parent's death.
    descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (descriptor_ < 0) refuse(folder, errno);
    const int error = flock(descriptor_, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    if (error == 0 && is_still(path_, descriptor_)) return;
    ::close(descriptor_);
    if (error == EWOULDBLOCK && attempt < attempts) {
      std::this_thread::sleep_for(pause);
    } else if (error != 0 && error != EINTR) {
      refuse(folder, error);
    }
  }
}

bool is_locked(const std::string& folder) {
  const int descriptor = ::open((folder + "/lock").c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) return false;
  const bool locked = ::flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(descriptor);
  return locked;
}

DirectoryLock::~DirectoryLock() {
  // Unlinked before the lock is released, and only if the path still names this file: if the folder was moved away, the
  // path may name another run's file.
  if (is_still(path_, descriptor_)) ::unlink(path_.c_str());
  ::close(descriptor_);
}

}  // namespace unroll
