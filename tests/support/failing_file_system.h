#pragma once

#include <cerrno>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"

namespace unroll {

/// Which operations of a FailingFileSystem fail, and how.
struct Fault {
  std::size_t at = std::numeric_limits<std::size_t>::max();         // the operation that fails, counted from 0
  int error = EIO;                                                  // its errno
  bool permanent = false;                                           // all later operations fail too
  std::size_t max_write = std::numeric_limits<std::size_t>::max();  // bytes per write; 0: writes nothing
};

/// Forwards all operations to another file system, makes the requested ones fail, and records their names.
class FailingFileSystem final : public FileSystem {
 public:
  FailingFileSystem(FileSystem& files, Fault fault) : files_(files), fault_(fault) {}

  int type_of(const std::string& path) override {
    return pass("type_of", [&] { return files_.type_of(path); });
  }
  int open_new(const std::string& path) override {
    return pass("open_new", [&] { return files_.open_new(path); });
  }
  int open_folder(const std::string& path) override {
    return pass("open_folder", [&] { return files_.open_folder(path); });
  }
  ssize_t write(int descriptor, std::string_view bytes) override {
    return pass("write", [&] { return files_.write(descriptor, bytes.substr(0, fault_.max_write)); });
  }
  int fsync(int descriptor) override {
    return pass("fsync", [&] { return files_.fsync(descriptor); });
  }
  /// A failing close closes the descriptor nevertheless.
  int close(int descriptor) override {
    const int result = files_.close(descriptor);
    return pass("close", [&] { return result; });
  }
  int rename(const std::string& from, const std::string& to) override {
    return pass("rename", [&] { return files_.rename(from, to); });
  }
  int unlink(const std::string& path) override {
    return pass("unlink", [&] { return files_.unlink(path); });
  }

  /// Names of all operations so far, including failed ones.
  const std::vector<std::string>& operations() const { return operations_; }
  /// The first operation that was made to fail; empty if there was none.
  std::string failed() const { return fault_.at < operations_.size() ? operations_[fault_.at] : ""; }

 private:
  template <class Operation>
  auto pass(const char* name, Operation&& operation) -> decltype(operation()) {
    const std::size_t number = operations_.size();
    operations_.emplace_back(name);
    const bool fails = fault_.permanent ? number >= fault_.at : number == fault_.at;
    if (!fails) return operation();
    errno = fault_.error;
    return -1;
  }

  FileSystem& files_;
  Fault fault_;
  std::vector<std::string> operations_;
};

}  // namespace unroll
