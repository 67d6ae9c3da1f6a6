#pragma once

#include <cstdint>

namespace unroll::cpu {

/// One row of Device::layer_norm; returns its scale.
float layer_norm(const float* x, const float* gain, const float* bias, float epsilon, std::int64_t count,
                 float* normalized, float* y);
/// dx of one row of Device::layer_norm_backward.
void layer_norm_backward(const float* normalized, float scale, const float* gain, const float* dy, std::int64_t count,
                         float* dx);

}  // namespace unroll::cpu
