#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/train_options.h"

namespace unroll::cli {

/// What a training reads.
struct Texts {
  Corpus training;
  std::vector<std::int32_t> held_out;  ///< in the same indices; its first symbol is read and not scored. Empty: none
  bool held_out_is_the_end = false;    ///< of the same text
  std::int64_t held_out_bytes = 0;     ///< UTF-8 of the symbols that are scored
  std::int64_t skipped = 0;            ///< symbols of the validation file that the text lacks
};

/// The number that --validation is; nothing where it is the name of a file. Throws Error for a number that is no share.
std::optional<double> share_of(const std::string& validation);

/// What the vocabulary of the texts is made of.
struct VocabularySource {
  const Vocabulary* exactly = nullptr;      ///< that of a run that goes on; a symbol that it lacks is an error
  const Vocabulary* begins_with = nullptr;  ///< that of a model; what the text has beyond it comes behind
};

/// Reads `file` and what --validation names. Throws Error: no_input, bad_data (a text that is none, unknown symbols,
/// too little held out), usage.
Texts read_texts(const TrainOptions& options, const std::string& file, const VocabularySource& vocabulary);

/// "the last 10 % of the text, 6,328 symbols"
std::string description_of_held_out(const TrainOptions& options, const Texts& texts);

/// Writes a text that came from standard input where a training that goes on can read it again. Throws Error(io).
void keep_text(const Texts& texts, const std::string& path);

}  // namespace unroll::cli
