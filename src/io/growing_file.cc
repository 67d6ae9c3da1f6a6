#include "io/growing_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace unroll {

void GrowingFile::lost(const std::string& what) {
  if (std::exchange(warned_, true)) return;
  warn_(what);
}

bool GrowingFile::open() {
  if (descriptor_ >= 0) return true;
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor_ < 0) lost(fmt::format("{}: cannot be opened: {}", path_, std::strerror(errno)));
  return descriptor_ >= 0;
}

void GrowingFile::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

bool GrowingFile::append(std::string_view record) {
  if (!open()) return false;
  struct stat before {};
  int error = ::fstat(descriptor_, &before) == 0 ? 0 : errno;
  while (error == 0 && !record.empty()) {
    const ssize_t written = ::write(descriptor_, record.data(), record.size());
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) record.remove_prefix(static_cast<std::size_t>(written));
  }
  if (error == 0) return true;
  // A partial record would corrupt the next one, so it is truncated. If that fails, readers skip it.
  if (S_ISREG(before.st_mode) && ::ftruncate(descriptor_, before.st_size) != 0) close();
  lost(fmt::format("{}: cannot be written: {}", path_, std::strerror(error)));
  return false;
}

}  // namespace unroll
