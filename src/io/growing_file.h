#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace unroll {

/// An append-only file of records. Never throws, because its contents matter less than the work of its owner: a record
/// that cannot be written is lost, the first loss is reported to `warn`, and the next record is tried again.
class GrowingFile {
 public:
  /// Receives one line with the file's name and the reason.
  using Warn = std::function<void(const std::string&)>;

  /// The file is opened or created by the first append().
  GrowingFile(std::string path, Warn warn) : path_(std::move(path)), warn_(std::move(warn)) {}
  GrowingFile(const GrowingFile&) = delete;
  GrowingFile& operator=(const GrowingFile&) = delete;
  ~GrowingFile() { close(); }

  /// Appends a record, whole or not at all; false if it is lost.
  bool append(std::string_view record);
  /// Closes the file; the next append() opens the path again.
  void close();
  /// Passes `what` to `warn`, unless there was a warning before.
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
