#pragma once

namespace unroll::cli {

/// Bytes that this process may still ask for: what the machine has left, or less where its control group (a container)
/// or a resource limit (ulimit -v, -d) allows less. Infinite where the system does not say.
double memory_limit();

}  // namespace unroll::cli
