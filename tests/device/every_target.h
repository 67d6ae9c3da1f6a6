#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/simd.h"

namespace unroll::test {

/// Runs `body` on every SIMD target of this machine, then selects the best one again.
template <class Body>
void on_every_target(const Body& body) {
  const std::string best = simd_targets().front();
  for (const std::string& target : simd_targets()) {
    SCOPED_TRACE("SIMD target " + target);
    force_simd_target(target);
    ASSERT_EQ(simd_target(), target);
    body();
  }
  force_simd_target(best);
}

}  // namespace unroll::test
