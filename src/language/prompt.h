#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "unroll/session.h"

namespace unroll {

/// The symbols of a text to continue, which is read like the training text: unit, line ends, byte order mark, valid
/// UTF-8. Throws Error(bad_data) for unknown symbols, unless they are skipped.
std::vector<std::int32_t> prompt_ids(const PackedModel& model, std::string_view text, Unknown unknown);

}  // namespace unroll
