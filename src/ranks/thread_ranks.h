#pragma once

#include <functional>

#include "unroll/communicator.h"

namespace unroll {

/// Calls work() on `size` threads, one per rank, and returns when all have returned. If one throws, the others throw at
/// the next message they wait for; the first exception is rethrown.
void run_on_thread_ranks(int size, const std::function<void(Communicator&)>& work);

}  // namespace unroll
