#pragma once

#include <span>
#include <string>

#include "unroll/communicator.h"

namespace unroll {

/// Name of this machine, for messages.
std::string host_name();

/// A value that must be equal on all ranks.
struct Fact {
  std::string name;   ///< "text"
  std::string value;  ///< of this rank; if it has several lines, only those that differ are reported
};
/// Collective: throws Error(bad_data) on all ranks, with both values, if a fact differs between a rank and rank 0. All
/// ranks pass the same names.
void require_same(Communicator& ranks, std::span<const Fact> facts);

/// Collective: switches the kernels of all ranks to the lowest SIMD target that a rank currently uses.
void use_common_simd_target(Communicator& ranks);

}  // namespace unroll
