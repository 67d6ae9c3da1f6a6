#pragma once

#include <cstdint>
#include <limits>
#include <string>

namespace unroll {

constexpr std::uint64_t no_limit = std::numeric_limits<std::uint64_t>::max();

/// A file, pipe or standard input, open for reading; closes what it opened.
class InputFile {
 public:
  /// `path` - is standard input. Throws Error(no_input) where it does not exist, is a directory or cannot be opened.
  explicit InputFile(const std::string& path);
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  /// Appends what is left of the file, but lets `bytes` grow no longer than `longest`. Throws Error(io) where reading
  /// fails or memory does not suffice.
  void read(std::string& bytes, std::uint64_t longest = no_limit);

 private:
  void reserve(std::string& bytes, std::uint64_t longest) const;

  std::string name_;
  int descriptor_ = -1;
  bool standard_input_ = false;
};

/// The whole of a file, as bytes. Throws as InputFile does.
std::string read_file(const std::string& path);

/// How messages call a source: its path, or "standard input" for -.
std::string source_name(const std::string& path);

}  // namespace unroll
