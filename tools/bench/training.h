#pragma once

#include <string>
#include <vector>

#include "language/training_cost.h"
#include "measure.h"

namespace unroll::bench {

/// Minimal work of a training step: forward, loss, backward, clipping by global norm, Adam.
///
/// Arithmetic: three times the products of the forward pass (once forward; backward the same size again for the
/// gradient of the left operand and for that of the right one). One-hot input is a look-up without products in
/// either direction; for an embedding the gradient of the input is counted, since the table needs it. Non-linearities,
/// softmax and sums are not counted: they could overlap with the products.
///
/// Memory: 36 bytes per parameter. The gradient is written once, read once for the norm and once more for the update
/// (the norm has to be known first); the update reads and writes value and both moments. Zeroing gradients, and reading
/// them back to add to, is not counted: a product can start from zero. Rows of the look-up table that a step does not
/// use need no gradient, so only their 24 bytes of value and moments count. The total is compared with the rate of
/// reading and writing a buffer as large as parameters, gradients and moments together (16 bytes per parameter): if
/// these fit into a cache, with the cache's rate, although the rest of the step may have evicted them.
MinimalWork need_of_training_step(const Workload& workload);

/// The training workloads whose speed the documentation states.
std::vector<Workload> training_workloads();
/// Name of the benchmark, such as "training/lstm-256".
std::string training_name(const Workload& workload);

/// Whole training steps of these workloads.
std::vector<Benchmark> training_benchmarks();

}  // namespace unroll::bench
