#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unroll {

/// A checkpoint in a run directory: checkpoint-UPDATE.safetensors.
struct CheckpointFile {
  std::int64_t update = 0;  ///< number of updates before it
  std::string path;
};

std::string checkpoint_path(const std::string& folder, std::int64_t update);

/// The checkpoints in the folder, the earliest first; empty if the folder cannot be read.
std::vector<CheckpointFile> checkpoints_in(const std::string& folder);

/// Removes the checkpoints after update `update`, the latest first, so that an interruption leaves no gap. Throws
/// Error(io).
void remove_checkpoints_after(const std::string& folder, std::int64_t update);

}  // namespace unroll
