#pragma once

#include <string>

#include "unroll/language_run.h"

namespace unroll {

/// The options to keep: those `asked`, and those that were derived from the text. Paths are absolute. `complete`: after
/// fill_defaults().
OptionValues options_to_keep(LanguageRunOptions asked, const LanguageRunOptions& complete);

/// The options of a resumed run: `kept`, with those given now that may change. Throws Error(usage) for any other that
/// differs from the kept one.
OptionValues resume_options(const OptionValues& kept, const OptionValues& given, const std::string& run,
                            const std::string& checkpoint);

/// True if the resumed run no longer follows the original: another number of epochs, or another value of an option that
/// changes updates, except for the learning rate. A default value and the same value given explicitly are equal. Both
/// are complete.
bool changes_updates(LanguageRunOptions now, LanguageRunOptions before);

}  // namespace unroll
