#pragma once

#include <nlohmann/json_fwd.hpp>

#include "unroll/run_history.h"

namespace unroll {

/// Adds one line of the log. Fields that are missing or of another type are ignored.
void add_event(RunHistory& history, const nlohmann::ordered_json& event);

}  // namespace unroll
