#pragma once

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace unroll {

/// Flushes denormal numbers to zero during its lifetime and restores the caller's setting afterwards. Depending on the
/// CPU an operation on denormals takes up to a hundred cycles, so a state that decays to zero would slow down the run.
class FlushDenormals {
 public:
#if defined(__SSE__)
  FlushDenormals() : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | flush_to_zero_and_denormals_are_zero); }
  ~FlushDenormals() { _mm_setcsr(saved_); }

 private:
  static constexpr unsigned flush_to_zero_and_denormals_are_zero = 0x8040;
  unsigned saved_;
#else
  FlushDenormals() = default;
  ~FlushDenormals() {}
#endif
 public:
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace unroll
