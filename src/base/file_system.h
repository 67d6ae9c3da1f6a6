#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

namespace unroll {

/// What saving a file asks of the operating system, so that a test can put one in its place that fails or forgets. Each
/// operation is the system call of its name: where it fails it returns -1 and sets errno.
class FileSystem {
 public:
  FileSystem() = default;
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;
  virtual ~FileSystem() = default;

  /// What is at `path`: S_IFREG, S_IFDIR or another of the values that stat(2) has in st_mode & S_IFMT.
  virtual int type_of(const std::string& path) = 0;
  /// A descriptor to write a file that is not there yet; EEXIST where something of that name is.
  virtual int open_new(const std::string& path) = 0;
  /// A descriptor of a folder, for fsync().
  virtual int open_folder(const std::string& path) = 0;
  /// How many of the bytes were taken.
  virtual ssize_t write(int descriptor, std::string_view bytes) = 0;
  virtual int fsync(int descriptor) = 0;
  virtual int close(int descriptor) = 0;
  virtual int rename(const std::string& from, const std::string& to) = 0;
  virtual int unlink(const std::string& path) = 0;
};

/// That of the machine.
FileSystem& real_file_system();

}  // namespace unroll
