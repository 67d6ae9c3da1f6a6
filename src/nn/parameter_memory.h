#pragma once

#include <span>

#include "unroll/parameters.h"

namespace unroll {

/// Parameters::values() and gradients(), in the memory of the device.
std::span<float> values_on_device(const Parameters& parameters);
std::span<float> gradients_on_device(const Parameters& parameters);

}  // namespace unroll
