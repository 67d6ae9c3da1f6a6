#pragma once

#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {

/// Throws OptionError for the first option outside its range, and for a tied weight of two widths.
void check_options(LanguageModelOptions options);

}  // namespace unroll
