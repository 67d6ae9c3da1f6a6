#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "unroll/language_model.h"

namespace unroll {

// The configuration in a model file (docs/model-file.md); the vocabulary is Tokenizer::to_json(). The reader throws
// Error(bad_data) that names the file, the field and what was expected there; `file` is only used in these messages.

struct ModelConfig {
  LanguageModelOptions options;
  std::int64_t vocabulary_size = 0;
};
std::string config_json(const ModelConfig& config);
/// `cells`: those that the model may have besides the built-in ones.
ModelConfig config_from_json(const std::string& json, const std::string& file, std::span<const CellKind> cells = {});

}  // namespace unroll
