#include "io/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>

#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {
namespace {

constexpr std::uint64_t chunk = 1 << 16;

[[noreturn]] void cannot_open(const std::string& path, int error) {
  if (error == ENOENT) {
    throw Error(ExitCode::no_input, fmt::format("{}: no such file; check the path", path));
  }
  throw Error(ExitCode::no_input,
              fmt::format("{}: cannot be opened: {}; check its permissions and path", path, std::strerror(error)));
}

}  // namespace

InputFile::InputFile(const std::string& path) : name_(source_name(path)), standard_input_(path == "-") {
  if (path.find('\0') != std::string::npos) {  // the system would take the name to end there
    throw Error(ExitCode::no_input,
                fmt::format("{}: no such file, since a name has no NUL byte; check the path", in_quotes(path)));
  }
  descriptor_ = standard_input_ ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0) cannot_open(name_, errno);
  struct stat status {};
  const int error = ::fstat(descriptor_, &status) == 0 ? 0 : errno;
  const bool directory = error == 0 && S_ISDIR(status.st_mode);
  if (error == 0 && !directory) return;
  if (!standard_input_) ::close(descriptor_);
  if (!directory) cannot_open(name_, error);
  throw Error(ExitCode::no_input, fmt::format("{}: is a directory; name a file in it", name_));
}

InputFile::~InputFile() {
  if (!standard_input_) ::close(descriptor_);
}

void InputFile::reserve(std::string& bytes, std::uint64_t longest) const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode)) return;
  const std::uint64_t size =
      static_cast<std::uint64_t>(status.st_size) + chunk;  // one more for the read() that finds the end
  bytes.reserve(std::max<std::uint64_t>(bytes.size(), std::min<std::uint64_t>({size, longest, bytes.max_size()})));
}

void InputFile::read(std::string& bytes, std::uint64_t longest) try {
  reserve(bytes, longest);
  while (bytes.size() < longest) {
    const std::size_t filled = bytes.size();
    bytes.resize(filled + static_cast<std::size_t>(std::min(chunk, longest - filled)));
    const ssize_t got = ::read(descriptor_, bytes.data() + filled, bytes.size() - filled);
    const int error = errno;
    bytes.resize(filled + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got == 0) return;
    if (got < 0 && error != EINTR) {
      throw Error(ExitCode::io,
                  fmt::format("{}: reading failed after {} bytes: {}; copy the file to a sound disk and try again",
                              name_, filled, std::strerror(error)));
    }
  }
} catch (const std::bad_alloc&) {
  throw Error(ExitCode::io,
              fmt::format("{}: does not fit into memory; read less of it, as with {}", name_, option_name("limit")));
}

std::string read_file(const std::string& path, std::uint64_t max_size) {
  std::string bytes;
  InputFile(path).read(bytes, max_size < no_limit ? max_size + 1 : no_limit);
  if (bytes.size() <= max_size) return bytes;
  throw Error(ExitCode::bad_data,
              fmt::format("{}: has more than {} bytes, which no file of this kind has; check the path",
                          source_name(path), max_size));
}

bool can_be_read_again(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path absolute = fs::absolute(path, ignored).lexically_normal();
  for (const char* folder : {"/dev/", "/proc/"}) {
    if (absolute.string().starts_with(folder)) return false;
  }
  const fs::file_status status = fs::status(path, ignored);
  return path != "-" && !fs::is_fifo(status) && !fs::is_character_file(status) && !fs::is_socket(status);
}

std::string source_name(const std::string& path) { return path == "-" ? "standard input" : path; }

}  // namespace unroll
