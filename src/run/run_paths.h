#pragma once

#include <string>

#include "run/run_directory.h"

namespace unroll {

/// runs/NAME-CELL for a text called NAME.txt, NAME.txt.zip, archive.zip:NAME.txt and the like.
std::string default_run_directory(const std::string& source, const std::string& cell);

/// Throws the refusal as an Error that names the options "out", "overwrite" and "resume" of the program's command
/// `command`, such as "unroll train".
[[noreturn]] void refuse_with_options(const DirectoryRefused& refusal, const std::string& command);

}  // namespace unroll
