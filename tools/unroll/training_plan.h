#pragma once

#include "unroll/language_run.h"

namespace unroll::cli {

/// Logs text, model, training, machine, memory and run directory, one line each.
void log_plan(const LanguageRun& run);

}  // namespace unroll::cli
