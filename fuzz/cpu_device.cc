#include "device/device.h"

namespace unroll {

/// Stands for the kernels, which take long to compile: the readers need none of them.
const Device& cpu_device() { return reference_device(); }

}  // namespace unroll
