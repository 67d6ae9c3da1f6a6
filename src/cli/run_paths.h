#pragma once

#include <string>

#include "run/run_directory.h"

namespace unroll::cli {

/// The model file that an argument names: the file itself, or model.safetensors of a run directory. Throws
/// Error(no_input) for a directory without one, and if there is nothing of that name.
std::string model_file_of(const std::string& argument);

/// runs/NAME-CELL for a text called NAME.txt, NAME.txt.zip, archive.zip:NAME.txt and the like.
std::string default_run_directory(const std::string& source, const std::string& cell);

/// Throws the refusal as an Error that names the flags that help.
void refuse_with_flags(const DirectoryRefused& refusal);

}  // namespace unroll::cli
