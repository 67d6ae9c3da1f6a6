#pragma once

#include <functional>
#include <span>
#include <string>

#include "train/communicator.h"

namespace unroll {

/// The name of this machine, for messages.
std::string host_name();

/// Does something that may fail on some ranks only, after which they do not talk to each other. Where it throws an
/// Error on all of them, each throws its own; where it does on some, all throw that of the first, which is named. All
/// else passes on.
void together(Communicator& ranks, const std::function<void()>& stage);

/// Something that must be alike on all ranks.
struct Fact {
  std::string name;   ///< "text"
  std::string value;  ///< that of this rank; of several lines only those that differ are named
};
/// Throws Error(bad_data) on all ranks, with both values, where a fact of one is not that of rank 0. The names are the
/// same on all.
void require_same(Communicator& ranks, std::span<const Fact> facts);

/// Has the kernels of all ranks run on the best SIMD target that each of them would run on or could.
void take_common_simd_target(Communicator& ranks);

}  // namespace unroll
