#pragma once

#include <string>
#include <vector>

namespace unroll {

/// The SIMD targets that this build has and this machine can run, best first: "avx3", "avx2", "sse4", "scalar".
std::vector<std::string> simd_targets();

/// The target that kernels run on. At the first use, the environment variable UNROLL_SIMD caps it: the
/// best target that is not better than the one it names. Throws Error where it names none.
std::string simd_target();

/// Makes every kernel of the process run on `target` from now on; for tests.
void force_simd_target(const std::string& target);

}  // namespace unroll
