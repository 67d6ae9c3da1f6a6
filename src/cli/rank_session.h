#pragma once

#include <exception>
#include <functional>

#include "train/communicator.h"

namespace unroll::cli {

/// While ranks work together.
struct RankSession {
  Communicator& ranks;
  std::function<void(double)> set_timeout;  ///< seconds that a rank may be silent
};

/// Does something together with the ranks that were started with this process, or alone where there are none. Where it
/// ends in an Error on any rank, all processes end with its exit code, and one of them says its line. Throws Error
/// where this program was built without MPI.
void on_all_ranks(double timeout_seconds, const std::function<void(RankSession&)>& work);

/// What a rank calls in the place of that where it cannot even begin: so all of them end, with one line.
[[noreturn]] void fail_on_all_ranks(const std::exception_ptr& thrown);

}  // namespace unroll::cli
