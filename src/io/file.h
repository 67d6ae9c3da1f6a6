#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "unroll/atomic_file.h"  // read_file()

namespace unroll {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

/// A file, pipe or standard input, open for reading; closed on destruction unless it is standard input.
class InputFile {
 public:
  /// `path` - is standard input. Throws Error(no_input) if the file does not exist, is a directory or cannot be opened.
  explicit InputFile(const std::string& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  /// Appends the rest of the file to `bytes`, but stops when `bytes` has `longest` bytes. Throws Error(io) if reading
  /// fails or memory is exhausted.
  void read(std::string& bytes, std::uint64_t longest = no_limit);

 private:
  void reserve(std::string& bytes, std::uint64_t longest) const;

  std::string name_;
  int descriptor_ = -1;
  bool standard_input_ = false;
};

/// False for standard input, pipes, devices and what lies in /dev or /proc: another process finds something else there.
bool can_be_read_again(const std::string& path);

/// Name of a source in messages: its path, or "standard input" for -.
std::string source_name(const std::string& path);

}  // namespace unroll
