#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {

/// Throws OptionError for the first option outside its range, and for a tied weight of two widths.
void check_options(LanguageModelOptions options);

/// The tensors of a model with `symbols` symbols, in the order of its parameters.
std::vector<ModelTensor> model_tensors(const LanguageModelOptions& options, std::int64_t symbols);

}  // namespace unroll
