#pragma once

#include <cstdint>
#include <string>

#include "unroll/language_run.h"

namespace unroll {

/// A JSON object: the fields of the log's first line (docs/log-file.md). The options are complete.
std::string run_log_fields(const LanguageRunOptions& options, std::int64_t symbols, const LanguageModel& model,
                           int ranks);

}  // namespace unroll
