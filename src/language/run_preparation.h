#pragma once

#include <memory>
#include <optional>

#include "language/run_texts.h"
#include "run/run_directory.h"
#include "train/checkpoint.h"
#include "unroll/communicator.h"
#include "unroll/language_run.h"

namespace unroll {

/// What a LanguageRun is made of: complete options, texts, the open directory and the weights to start with.
struct PreparedRun {
  LanguageRunOptions options = {};
  OptionValues kept = {};  ///< options for the checkpoints
  TrainingTexts texts = {};
  std::unique_ptr<RunDirectory> directory = {};
  std::unique_ptr<Context> origin_context = {};
  std::unique_ptr<const LanguageModel> origin = {};         ///< model of options.init_from
  std::unique_ptr<const StoredCheckpoint> checkpoint = {};  ///< of a resumed run
  bool rate_given = false;                                  ///< the learning rate
  bool changes_updates = false;                             ///< the run no longer follows the original
  std::optional<std::int64_t> truncate_after_update = {};   ///< update of the checkpoint that options.resume names
};

/// `given`: the options that the user has given, which are assigned to `options` already. `text`: instead of
/// options.text. Throws as LanguageRun::create().
PreparedRun prepare_run(LanguageRunOptions options, const OptionValues& given, std::optional<Corpus> text,
                        Communicator& ranks);

}  // namespace unroll
