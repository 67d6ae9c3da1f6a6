#pragma once

#include <string>

namespace unroll::bench {

/// A temporary folder, removed with its contents by the destructor. Throws Error(io) if it cannot be created.
class TemporaryFolder {
 public:
  TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace unroll::bench
