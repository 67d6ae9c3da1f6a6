#include "base/file_system.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

namespace unroll {
namespace {

class RealFileSystem final : public FileSystem {
 public:
  int type_of(const std::string& path) override {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? static_cast<int>(status.st_mode & S_IFMT) : -1;
  }
  int open_new(const std::string& path) override {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  }
  int open_folder(const std::string& path) override { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }
  ssize_t write(int descriptor, std::string_view bytes) override {
    return ::write(descriptor, bytes.data(), bytes.size());
  }
  int fsync(int descriptor) override { return ::fsync(descriptor); }
  int close(int descriptor) override { return ::close(descriptor); }
  int rename(const std::string& from, const std::string& to) override { return ::rename(from.c_str(), to.c_str()); }
  int unlink(const std::string& path) override { return ::unlink(path.c_str()); }
};

}  // namespace

FileSystem& real_file_system() {
  static RealFileSystem files;  // has no state
  return files;
}

}  // namespace unroll
