#include "run/memory_limit.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>

namespace unroll {

namespace {

namespace fs = std::filesystem;

constexpr double unlimited = std::numeric_limits<double>::infinity();

/// Bytes: MemAvailable plus SwapFree of /proc/meminfo (proc(5)); infinite if not reported.
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

/// The minimum of memory.max over this process's control group and all its parents (cgroups(7), version 2).
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

/// Bytes of address space that the program already uses (proc(5), statm).
double address_space_taken() {
  std::ifstream file("/proc/self/statm");
  double pages = 0;
  if (!(file >> pages)) return 0;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

/// Bytes left under RLIMIT_AS or RLIMIT_DATA. Both count address space, and so the stacks of the threads to come.
double resource_limit(__rlimit_resource resource, int threads) {
  constexpr double stack = 8.4e6;
  constexpr int others = 3;  // threads: checkpoint writer, curve drawing, main
  const double stacks = stack * (threads + others);
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return unlimited;
  return std::max(0.0, static_cast<double>(limit.rlim_cur) - address_space_taken() - stacks);
}

}  // namespace

double memory_limit(int threads, int processes) {
  return std::min({left_on_machine() / processes, limit_of_control_group() / processes,
                   resource_limit(RLIMIT_AS, threads), resource_limit(RLIMIT_DATA, threads)});
}

}  // namespace unroll
