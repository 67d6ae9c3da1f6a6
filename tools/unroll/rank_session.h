#pragma once

#include <exception>
#include <functional>

#include "unroll/launched_ranks.h"

namespace unroll::cli {

/// Runs `work` collectively on all ranks that were started with this process, or alone if there are no others. If it
/// throws an Error on any of several ranks, all processes end with its exit code, and one of them logs its message.
/// Several ranks all end with an error message if this program was built without MPI.
void on_all_ranks(double timeout_seconds, const std::function<void(LaunchedRanks&)>& work);

/// Called instead of on_all_ranks() if parsing failed on this rank: ends all ranks with one message.
[[noreturn]] void fail_on_all_ranks(const std::exception_ptr& thrown);

}  // namespace unroll::cli
