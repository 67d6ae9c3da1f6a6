#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "unroll/run_history.h"

namespace unroll {

std::string checkpoint_path(const std::string& folder, std::int64_t update);
/// The update in the name of a checkpoint; empty if the file is not named like one.
std::optional<std::int64_t> update_of_checkpoint(const std::string& path);

/// Removes the checkpoints after update `update`, the latest first, so that an interruption leaves no gap. Throws
/// Error(io).
void remove_checkpoints_after(const std::string& folder, std::int64_t update);

}  // namespace unroll
