#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace unroll {

/// A file that grows record by record. What it holds is worth less than what its owner is busy with, so it never
/// throws: a record that cannot be written is lost, the first loss is told to `warn`, and the next record is tried
/// again.
class GrowingFile {
 public:
  /// Takes one line that names the file and the reason.
  using Warn = std::function<void(const std::string&)>;

  /// Opens or creates the file when the first record comes.
  GrowingFile(std::string path, Warn warn) : path_(std::move(path)), warn_(std::move(warn)) {}
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;
  ~GrowingFile() { close(); }

  /// Writes a record at the end of the file, whole or not at all; false where it is lost.
  bool append(std::string_view record);
  /// Lets go of the file; the next record opens what then has its name.
  void close();
  /// Warns of something else that happened to the file, unless there was a warning before.
  void lost(const std::string& what);
  const std::string& path() const { return path_; }

 private:
  bool open();

  std::string path_;
  Warn warn_;
  int descriptor_ = -1;
  bool warned_ = false;
};

}  // namespace unroll
