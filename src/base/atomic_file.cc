#include "base/atomic_file.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string& path, const std::string& reason) {
  throw Error(ExitCode::io, fmt::format("{}: cannot be written: {}; make room or write elsewhere", path, reason));
}

[[noreturn]] void fail_with_errno(const std::string& path) { fail(path, std::strerror(errno)); }

/// Repeats a system call that a signal interrupted (EINTR).
template <class Call>
auto uninterrupted(Call&& call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash + 1);
}

// Renaming onto a device such as /dev/null would replace the device itself.
void refuse_special_file(const std::string& path, FileSystem& files) {
  if (path.find('\0') != std::string::npos) {
    throw Error(ExitCode::io,
                fmt::format("{}: cannot be written: a name has no NUL byte; take another name", in_quotes(path)));
  }
  const int type = files.type_of(path);
  if (type >= 0 && type != S_IFREG) fail(path, type == S_IFDIR ? "is a directory" : "is not a regular file");
}

/// The folder in which `target` is written; messages name the target.
class Folder {
 public:
  Folder(const std::string& folder, const std::string& target, FileSystem& files)
      : target_(target), files_(files), descriptor_(uninterrupted([&] { return files.open_folder(folder); })) {
    if (descriptor_ < 0) fail_with_errno(target);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { files_.close(descriptor_); }

  /// Flushes the folder to disk: without this a power failure may undo a rename. File systems that do not support fsync
  /// on folders return EINVAL, which is ignored.
  void sync() {
    const int result = uninterrupted([&] { return files_.fsync(descriptor_); });
    if (result < 0 && errno != EINVAL) fail_with_errno(target_);
  }

 private:
  std::string target_;
  FileSystem& files_;
  int descriptor_;
};

/// A new file beside `target`, removed when destroyed unless it was renamed to its target.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& target, FileSystem& files) : target_(target), files_(files) {
    static std::atomic<unsigned> serial = 0;  // threads of one process need different names
    do {
      path_ = fmt::format("{}.tmp.{}.{}", target, ::getpid(), serial++);
      descriptor_ = files_.open_new(path_);
    } while (descriptor_ < 0 && (errno == EEXIST || errno == EINTR));
    if (descriptor_ < 0) fail_with_errno(target);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() {
    if (descriptor_ >= 0) files_.close(descriptor_);
    if (!path_.empty()) files_.unlink(path_);
  }

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = uninterrupted([&] { return files_.write(descriptor_, bytes); });
      if (written < 0) fail_with_errno(target_);
      if (written == 0) fail(target_, std::strerror(ENOSPC));  // or the loop would never end
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  /// Flushes to disk and closes. Must not be called again after a failed fsync: the system may have dropped the data,
  /// and a second fsync would report success.
  void finish() {
    if (uninterrupted([&] { return files_.fsync(descriptor_); }) < 0) fail_with_errno(target_);
    const int descriptor = descriptor_;
    descriptor_ = -1;
    // Linux closes the descriptor even on EINTR; close(2) forbids retrying.
    if (files_.close(descriptor) < 0 && errno != EINTR) fail_with_errno(target_);
  }

  void rename_to_target() {
    if (files_.rename(path_, target_) < 0) fail_with_errno(target_);
    path_.clear();
  }

 private:
  std::string target_;
  FileSystem& files_;
  std::string path_;
  int descriptor_ = -1;
};

/// `name` without its suffix ".NUMBER"; empty if it has none.
std::string_view without_number(std::string_view name) {
  const std::size_t dot = name.find_last_not_of("0123456789");
  const bool ends_so = dot != std::string_view::npos && name[dot] == '.' && dot + 1 < name.size();
  return ends_so ? name.substr(0, dot) : std::string_view();
}

/// True if `name` has the form that TemporaryFile creates: NAME.tmp.PID.N.
bool is_temporary(std::string_view name) {
  constexpr std::string_view end = ".tmp";
  const std::string_view beginning = without_number(without_number(name));
  return beginning.ends_with(end) && beginning.size() > end.size();
}

}  // namespace

void write_file_atomically(const std::string& path, std::string_view bytes) {
  write_file_atomically(path, bytes, real_file_system());
}

void write_file_atomically(const std::string& path, std::string_view bytes, FileSystem& files) {
  write_file_atomically(
      path, [bytes](const WritePiece& write) { write(bytes); }, files);
}

void write_file_atomically(const std::string& path, const std::function<void(const WritePiece&)>& write_all,
                           FileSystem& files) {
  refuse_special_file(path, files);
  Folder folder(folder_of(path), path, files);  // opened first: after the rename only its fsync can fail
  TemporaryFile temporary(path, files);
  write_all([&](std::string_view piece) { temporary.write(piece); });
  temporary.finish();
  temporary.rename_to_target();
  folder.sync();
}

void sync_folder(const std::string& folder, FileSystem& files) { Folder(folder, folder, files).sync(); }

void remove_unfinished_files(const std::string& folder) {
  std::error_code ignored;
  std::vector<fs::path> found;
  for (fs::directory_iterator entry(folder, ignored), end; !ignored && entry != end; entry.increment(ignored)) {
    if (is_temporary(entry->path().filename().string()) && fs::is_regular_file(entry->symlink_status(ignored)))
      found.push_back(entry->path());
  }
  for (const fs::path& path : found) fs::remove(path, ignored);
}

}  // namespace unroll
