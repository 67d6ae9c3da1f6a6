#pragma once

#include <functional>

#include "train/communicator.h"

namespace unroll {

/// Calls work() on `size` threads, each of which is a rank, and returns when all have. Where one throws, the others
/// throw at their next exchange; the exception of the first is passed on.
void run_on_thread_ranks(int size, const std::function<void(Communicator&)>& work);

}  // namespace unroll
