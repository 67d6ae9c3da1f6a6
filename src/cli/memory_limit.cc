#include "cli/memory_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

namespace unroll::cli {

namespace {

namespace fs = std::filesystem;

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// MemAvailable and SwapFree of /proc/meminfo (proc(5)), in kibibytes there.
double left_on_machine() {
  std::ifstream file("/proc/meminfo");
  double left = 0;
  bool said = false;
  for (std::string name, rest; file >> name; std::getline(file, rest)) {
    if (name != "MemAvailable:" && name != "SwapFree:") continue;
    double kibibytes = 0;
    if (!(file >> kibibytes)) break;
    said = said || name == "MemAvailable:";
    left += 1024 * kibibytes;
  }
  if (!said) return unlimited;
  return left;
}

double number_in(const fs::path& path) {
  std::ifstream file(path);
  double number = 0;
  if (file >> number) return number;
  return unlimited;  // "max" is no number
}

/// memory.max of this process's control group and of all above it (cgroups(7), version 2).
double limit_of_control_group() {
  std::ifstream file("/proc/self/cgroup");
  double limit = unlimited;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::/")) continue;
    const fs::path root = "/sys/fs/cgroup";
    for (fs::path group = line.substr(4);; group = group.parent_path()) {
      limit = std::min(limit, number_in(root / group / "memory.max"));
      if (group.empty()) break;
    }
  }
  return limit;
}

double resource_limit(__rlimit_resource resource) {
  rlimit limit{};
  const bool limited = ::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return limited ? static_cast<double>(limit.rlim_cur) : unlimited;
}

}  // namespace

double memory_limit() {
  return std::min(
      {left_on_machine(), limit_of_control_group(), resource_limit(RLIMIT_AS), resource_limit(RLIMIT_DATA)});
}

}  // namespace unroll::cli
