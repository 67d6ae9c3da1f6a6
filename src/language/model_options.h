#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {

/// Throws OptionError for the first option outside its range, and for a tied weight of two widths.
void check_options(LanguageModelOptions options);

/// One tensor of a model file, as PyTorch names and shapes it.
struct ModelTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  bool transposed = false;   // relative to the parameter of the same name
  bool is_parameter = true;  // false: zeros that only PyTorch needs

  std::int64_t size() const;
};

/// The tensors of a model with `symbols` symbols, in the order of its parameters.
std::vector<ModelTensor> model_tensors(const LanguageModelOptions& options, std::int64_t symbols);

}  // namespace unroll
