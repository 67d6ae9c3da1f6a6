#include "base/simd.h"

#include <hwy/targets.h>

#include <algorithm>
#include <cstdlib>

#include "unroll/error.h"

namespace unroll {
namespace {

struct Target {
  const char* name;
  std::int64_t bit;
};

// Best first. Highway's SSSE3 target is disabled in the build, because no machine in use supports SSSE3 without SSE4.
constexpr Target known[] = {
    {"avx3", HWY_AVX3}, {"avx2", HWY_AVX2}, {"sse4", HWY_SSE4}, {"scalar", HWY_BASELINE_SCALAR}};

std::vector<Target> runnable() {
  static const std::int64_t supported = hwy::SupportedTargets();
  std::vector<Target> targets;
  for (const Target& target : known) {
    if (target.bit == HWY_BASELINE_SCALAR || (supported & target.bit) != 0) targets.push_back(target);
  }
  return targets;
}

void use(const Target& target) { hwy::GetChosenTarget().Update(target.bit); }

const Target& current_target(const Target* replacement) {
  static Target current = [] {
    const std::vector<Target> targets = runnable();
    Target chosen = targets.front();
    if (const char* cap = std::getenv("UNROLL_SIMD"); cap != nullptr && *cap != '\0') {
      std::size_t rank = 0;
      while (rank < std::size(known) && std::string(cap) != known[rank].name) ++rank;
      if (rank == std::size(known)) {
        throw Error(std::string("UNROLL_SIMD=") + cap + ": no such SIMD target; give avx3, avx2, sse4 or scalar");
      }
      for (; rank < std::size(known); ++rank) {
        const auto found =
            std::find_if(targets.begin(), targets.end(), [&](const Target& t) { return t.bit == known[rank].bit; });
        if (found != targets.end()) {
          chosen = *found;
          break;
        }
      }
    }
    use(chosen);
    return chosen;
  }();
  if (replacement != nullptr) {
    current = *replacement;
    use(current);
  }
  return current;
}

}  // namespace

std::vector<std::string> simd_targets() {
  std::vector<std::string> names;
  for (const Target& target : runnable()) names.emplace_back(target.name);
  return names;
}

std::string simd_target() { return current_target(nullptr).name; }

void force_simd_target(const std::string& target) {
  for (const Target& candidate : runnable()) {
    if (target == candidate.name) {
      current_target(&candidate);
      return;
    }
  }
  std::string names;
  for (const std::string& name : simd_targets()) names += " " + name;
  throw Error("SIMD target " + target + ": not one of" + names);
}

}  // namespace unroll
