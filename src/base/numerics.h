#pragma once

namespace unroll {

/// Raised whenever the bits of a kernel's result change on any SIMD target. Checkpoints record it, because a run is
/// resumed only with the numerics that it was begun with.
inline constexpr int numerics = 1;

}  // namespace unroll
