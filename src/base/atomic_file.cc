#include "base/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include "unroll/error.h"

namespace unroll {
namespace {

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw Error(ExitCode::io, fmt::format("{}: cannot be written: {}; make room or write elsewhere", path, reason));
}

[[noreturn]] void fail_with_errno(const std::string& path) { fail(path, std::strerror(errno)); }

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Renaming onto a device such as /dev/null would replace the device itself.
void refuse_special_file(const std::string& path) {
  struct stat existing {};
  if (::stat(path.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode)) {
    fail(path, S_ISDIR(existing.st_mode) ? "is a directory" : "is not a regular file");
  }
}

/// A new file beside `target`, removed when destroyed unless it was renamed to its target.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& target) : target_(target) {
    static std::atomic<unsigned> serial = 0;  // threads of one process must not meet
    do {
      path_ = fmt::format("{}.tmp.{}.{}", target, ::getpid(), serial++);
      descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) fail_with_errno(target);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno != EINTR) fail_with_errno(target_);
      if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  void finish() {
    if (::fsync(descriptor_) != 0) fail_with_errno(target_);
    const int descriptor = descriptor_;
    descriptor_ = -1;
    if (::close(descriptor) != 0) fail_with_errno(target_);
  }

  void rename_to_target() {
    if (::rename(path_.c_str(), target_.c_str()) != 0) fail_with_errno(target_);
    path_.clear();
  }

 private:
  std::string target_;
  std::string path_;
  int descriptor_ = -1;
};

// Without it a power cut may undo the rename. Some file systems know no fsync of folders and say EINVAL.
void sync_folder(const std::string& path) {
  const int descriptor = ::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) fail_with_errno(path);
  const int error = ::fsync(descriptor) == 0 ? 0 : errno;
  ::close(descriptor);
  if (error != 0 && error != EINVAL) fail(path, std::strerror(error));
}

}  // namespace

void write_file_atomically(const std::string& path, std::string_view bytes) {
  write_file_atomically(path, [bytes](const WritePiece& write) { write(bytes); });
}

void write_file_atomically(const std::string& path, const std::function<void(const WritePiece&)>& write_all) {
  refuse_special_file(path);
  TemporaryFile temporary(path);
  write_all([&](std::string_view piece) { temporary.write(piece); });
  temporary.finish();
  temporary.rename_to_target();
  sync_folder(path);
}

}  // namespace unroll
