#pragma once

#include <optional>

#include "model/model_spec.h"
#include "unroll/language_model.h"

namespace unroll {

/// The layers of a language model.
struct LanguageModelSpec {
  /// Initial values of options.init. Throws no error: see check_options().
  LanguageModelSpec(const LanguageModelOptions& options, int symbols);
  /// That of a model, with the parameters that a cell of your own has added.
  explicit LanguageModelSpec(const LanguageModel& model);
  /// The same layers with initial values of 0, which cost no random numbers.
  LanguageModelSpec zeroed() &&;

  ModelSpec layers() const;

  std::optional<EmbeddingSpec> encoder;
  RecurrentSpec recurrent;
  LinearSpec decoder;
};

}  // namespace unroll
