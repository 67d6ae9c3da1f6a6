#pragma once

namespace unroll {

/// Bytes that this process may still allocate: the available memory of the machine, or less if its control group (a
/// container) or a resource limit (ulimit -v, -d) allows less. Infinite if the system does not report any.
/// `threads`: number of threads that it will have, each with a stack. `processes`: number of processes that will share
/// the memory of the machine and of the control group.
double memory_limit(int threads, int processes);

}  // namespace unroll
