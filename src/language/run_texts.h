#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "unroll/language_run.h"

namespace unroll {

/// Training text and validation text.
struct TrainingTexts {
  Corpus training;
  std::string source = "a text in memory";  ///< of `training`, for messages
  Corpus validation;                        ///< in the same indices; its first symbol is not scored
  bool validation_is_tail = false;          ///< it was split off the end of the training text
  std::vector<std::string> warnings = {};   ///< oddities that do not prevent the training
};

/// The share that the option "validation" gives; empty if it is a file name. Throws Error for a number that is not
/// within (0, 1).
std::optional<double> share_of(const std::string& validation);

/// Source of the vocabulary of the texts.
struct VocabularySource {
  const Tokenizer* exactly = nullptr;      ///< that of a resumed run; a symbol that it lacks is an error
  const Tokenizer* begins_with = nullptr;  ///< that of a model; other symbols of the text are appended
};

/// Reads `file`, unless `text` has it already, and the text that the option "validation" names. Throws Error: no_input,
/// bad_data (not a text, unknown symbols, too short a validation text), usage.
TrainingTexts read_texts(const LanguageRunOptions& options, const std::string& file, const VocabularySource& vocabulary,
                         std::optional<Corpus> text = std::nullopt);

/// Throws Error(bad_data) for a text in memory whose copy in a file would be read as other symbols: with line ends that
/// reading changes, NUL, byte order marks that it skips, or words that were skipped between two others.
void require_readable_copy(const Corpus& text);

/// Writes a text that came from standard input or from memory to `path`, so that a resumed training can read it. Throws
/// Error(io).
void keep_text(const TrainingTexts& texts, const std::string& path);

}  // namespace unroll
