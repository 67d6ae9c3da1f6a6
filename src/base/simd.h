#pragma once

#include <string>
#include <vector>

namespace unroll {

/// SIMD targets compiled into this build and supported by this machine, best first: "avx3", "avx2", "sse4", "scalar".
std::vector<std::string> simd_targets();

/// The SIMD target of the kernels. If the environment variable UNROLL_SIMD names a target at the first call, it is the
/// best supported target that is not better than the named one. Throws Error if UNROLL_SIMD names an unknown target.
std::string simd_target();

/// Makes every kernel of the process run on `target` from now on; for tests.
void force_simd_target(const std::string& target);

}  // namespace unroll
