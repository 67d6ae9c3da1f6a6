#include "temporary_folder.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "unroll/error.h"

namespace unroll::bench {

TemporaryFolder::TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "unroll-bench-XXXXXX").string()) {
  if (::mkdtemp(path_.data()) != nullptr) return;
  throw Error(ExitCode::io, fmt::format("cannot make the folder {}: {}; leave what needs it out with --only", path_,
                                        std::strerror(errno)));
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace unroll::bench
