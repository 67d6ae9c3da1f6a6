#pragma once

#include <string>

#include "base/file_system.h"
#include "unroll/trainer.h"

namespace unroll {

/// Writes what the trainer's visit_state() shows as a safetensors file (docs/checkpoint-file.md), whole or not at all.
/// Throws Error(io).
void write_checkpoint(Trainer& trainer, const std::string& path, FileSystem& files = real_file_system());

/// Puts it back. Throws Error: no_input for a missing file, bad_data for one that is damaged, no checkpoint, or that of
/// another training, with what is different.
void read_checkpoint(Trainer& trainer, const std::string& path);

}  // namespace unroll
