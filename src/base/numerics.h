#pragma once

#include <string>

namespace unroll {

/// Raised whenever the bits of a kernel's result change on any SIMD target. Checkpoints record it, because a run is
/// resumed only with the numerics that it was begun with.
inline constexpr int numerics = 2;

/// The SIMD targets that give the same bits as the one in use: "fma" (avx3 and avx2, with fused multiply-add), "sse4"
/// or "scalar".
std::string numerics_class();

}  // namespace unroll
