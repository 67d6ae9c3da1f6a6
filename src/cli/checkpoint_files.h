#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace unroll::cli {

/// A checkpoint in a run directory: checkpoint-UPDATE.safetensors.
struct CheckpointFile {
  std::int64_t update = 0;  ///< after how many
  std::string path;
};

std::string checkpoint_path(const std::string& folder, std::int64_t update);

/// Those in the folder, from the earliest to the latest; none where it cannot be read.
std::vector<CheckpointFile> checkpoints_in(const std::string& folder);

/// Removes those after so many updates, the latest first: what remains is always the beginning of one training. Throws
/// Error(io).
void remove_checkpoints_after(const std::string& folder, std::int64_t update);

}  // namespace unroll::cli
