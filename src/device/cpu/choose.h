#pragma once

#include <cstdint>

namespace unroll::cpu {

/// Device::choose for one row.
std::int32_t choose(float* logits, std::int64_t count, float temperature, double fraction);

}  // namespace unroll::cpu
