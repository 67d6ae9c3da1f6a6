#pragma once

#include <string>
#include <vector>

#include "cli/bench/measure.h"
#include "cli/plan.h"

namespace unroll::cli {

/// What a training step cannot do without: forward, loss, backward, clipping by global norm, Adam.
///
/// Arithmetic: three times the products of the forward pass (once forward; backward the same size again for the
/// gradient of the left operand and for that of the right one). One-hot input is a look-up and has none in either
/// direction; an embedding has its input gradient counted, since the table needs it. Non-linearities, softmax and sums
/// are not counted: they could hide behind the products.
///
/// Memory: per parameter 36 bytes. The gradient is written once, read once for the norm and once more for the update
/// (the norm has to be known first); the update reads and writes value and both moments. Zeroing gradients, and reading
/// them back to add to, is not counted: a product can begin at zero. Rows of the look-up table that a step does not
/// touch need no gradient, so only their 24 bytes of value and moments count. All this is held to the rate of reading
/// and writing a buffer as large as parameters, gradients and moments together, 16 bytes per parameter: where these fit
/// into a cache, to the cache's rate, although the rest of the step may have driven them out.
Need need_of_training_step(const Workload& workload);

/// The sizes that the documentation promises something for, and how they are called.
std::vector<Workload> training_workloads();
std::string training_name(const Workload& workload);

/// Whole training steps of these.
std::vector<Benchmark> training_benchmarks();

}  // namespace unroll::cli
