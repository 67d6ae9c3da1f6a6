#pragma once

#include <string>

#include "cli/train_options.h"

namespace unroll::cli {

/// The settings that a checkpoint keeps, so that a run can go on by its name alone: what was given, and what followed
/// from the text. Paths are absolute. `options` are complete.
GivenSettings settings_to_keep(const TrainOptions& options, const GivenSettings& given);

std::string settings_json(const GivenSettings& settings);
/// Throws Error(bad_data) that names `place`.
GivenSettings settings_from_json(const std::string& json, const std::string& place);

/// The settings of a run that goes on: those kept, and those of the command line that may change. Throws Error(usage)
/// for one that contradicts what the run was begun with.
GivenSettings settings_to_go_on(const GivenSettings& kept, const GivenSettings& given, const std::string& run);

}  // namespace unroll::cli
