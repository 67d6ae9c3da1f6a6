#pragma once

namespace unroll::cli {

/// Bytes that this process may still ask for: what the machine has left, or less where its control group (a container)
/// or a resource limit (ulimit -v, -d) allows less. Infinite where the system does not say.
/// `threads`: that it is going to have, each with a stack.
double memory_limit(int threads);

}  // namespace unroll::cli
