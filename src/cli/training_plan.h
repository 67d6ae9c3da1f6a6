#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/texts.h"
#include "cli/train_options.h"

namespace unroll::cli {

// What can be said of a training before it begins; all of complete options.

/// Whether a checkpoint is written while training goes on. At its beginning and its end nothing has to be copied.
bool saves_underway(const TrainOptions& options, const Texts& texts);

/// The options, where this process may use as much memory as they ask for. Throws Error(internal) with both numbers.
const TrainOptions& within_memory(const TrainOptions& options, const Texts& texts, int ranks);

/// Text, model, training, machine, memory and place, a line each.
void say_plan(const TrainOptions& options, const Texts& texts, const LanguageModel& model, const Trainer& trainer,
              const std::string& folder, int ranks);

/// The fields of the log's first line.
nlohmann::ordered_json start_fields(const TrainOptions& options, const Texts& texts, const LanguageModel& model,
                                    const Trainer& trainer, int ranks);

/// As the user wrote it, where a double of it would say 0.004999999888241291.
double as_written(double number);

}  // namespace unroll::cli
