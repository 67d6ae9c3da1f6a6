#include "base/numerics.h"

#include "base/simd.h"

namespace unroll {

std::string numerics_class() {
  const std::string target = simd_target();
  return target == "avx3" || target == "avx2" ? "fma" : target;
}

}  // namespace unroll
