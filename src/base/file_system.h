#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace unroll {

/// The system calls used to save files, as an interface, so that tests can substitute one that fails or loses data.
/// Each operation behaves like the system call it wraps: on failure it returns -1 and sets errno.
class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  /// The file type at `path`: S_IFREG, S_IFDIR or another value of st_mode & S_IFMT from stat(2).
  virtual int type_of(const std::string& path) = 0;
  /// Creates a file and returns a descriptor for writing; EEXIST if `path` exists.
  virtual int open_new(const std::string& path) = 0;
  /// Returns a descriptor of a folder, for fsync().
  virtual int open_folder(const std::string& path) = 0;
  /// Returns the number of bytes written.
  virtual ssize_t write(int descriptor, std::string_view bytes) = 0;
  virtual int fsync(int descriptor) = 0;
  virtual int close(int descriptor) = 0;
  virtual int rename(const std::string& from, const std::string& to) = 0;
  virtual int unlink(const std::string& path) = 0;
};

/// The operating system's implementation.
FileSystem& real_file_system();

}  // namespace unroll
