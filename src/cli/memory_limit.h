#pragma once

namespace unroll::cli {

/// Bytes that this process may still ask for: what the machine has left, or less where its control group (a container)
/// or a resource limit (ulimit -v, -d) allows less. Infinite where the system does not say.
/// `threads`: that it is going to have, each with a stack. `processes`: that are going to share what the machine and
/// the control group have.
double memory_limit(int threads, int processes);

}  // namespace unroll::cli
