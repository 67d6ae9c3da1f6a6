#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/train_options.h"

namespace unroll::cli {

/// Training text and validation text.
struct TrainingTexts {
  Corpus training;
  std::vector<std::int32_t> held_out;  ///< validation text in the same indices; its first symbol is not scored
  bool validation_is_tail = false;     ///< it was split off the end of the training text
  std::int64_t skipped = 0;            ///< symbols of the validation file that the text lacks
};

/// The share that --validation gives; empty if it is a file name. Throws Error for a number that is not within (0, 1).
std::optional<double> share_of(const std::string& validation);

/// Source of the vocabulary of the texts.
struct VocabularySource {
  const Vocabulary* exactly = nullptr;      ///< that of a resumed run; a symbol that it lacks is an error
  const Vocabulary* begins_with = nullptr;  ///< that of a model; other symbols of the text are appended
};

/// Reads `file` and the text that --validation names. Throws Error: no_input, bad_data (not a text, unknown symbols,
/// too short a validation text), usage.
TrainingTexts read_texts(const TrainOptions& options, const std::string& file, const VocabularySource& vocabulary);

/// "the last 10 % of the text, 6,328 symbols"
std::string validation_description(const TrainOptions& options, const TrainingTexts& texts);

/// Writes a text that came from standard input to `path`, so that a resumed training can read it. Throws Error(io).
void keep_text(const TrainingTexts& texts, const std::string& path);

}  // namespace unroll::cli
