#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace unroll {

/// A file of the data folder: $UNROLL_DATA, or shared/data beside the checkout. May not exist.
inline std::string data_file(const std::string& name) {
  const char* folder = std::getenv("UNROLL_DATA");
  const std::filesystem::path path = folder != nullptr ? folder : UNROLL_SOURCE_DIR "/../shared/data";
  return (path / name).string();
}

}  // namespace unroll
