#pragma once

#include <vector>

#include "cli/options.h"
#include "unroll/table.h"

namespace unroll::cli {

/// The settings --as and --drop.
std::vector<Setting> table_settings(TableOptions& options);

}  // namespace unroll::cli
