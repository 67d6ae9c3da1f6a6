#pragma once

#include <string>

#include "cli/train_options.h"

namespace unroll::cli {

/// The settings stored in a checkpoint, so that --resume needs only the name of the run: the given ones and those
/// derived from the text. Paths are absolute. `options` must have been through fill_defaults().
GivenSettings settings_to_keep(const TrainOptions& options, const GivenSettings& given);

std::string settings_json(const GivenSettings& settings);
/// Throws Error(bad_data) naming `place`.
GivenSettings settings_from_json(const std::string& json, const std::string& place);

/// The settings of a resumed run: `kept`, with those of the command line that can be changed on resume. Throws
/// Error(usage) for any other setting that differs from the kept one.
GivenSettings resume_settings(const GivenSettings& kept, const GivenSettings& given, const std::string& run);

}  // namespace unroll::cli
