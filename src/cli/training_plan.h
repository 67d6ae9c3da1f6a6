#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "cli/train_options.h"
#include "cli/training_texts.h"

namespace unroll::cli {

// Plan of a training before it starts. The options of all functions must have been through fill_defaults().

/// True if a checkpoint is written during training. Those at its start and end need no copy.
bool saves_underway(const TrainOptions& options, const TrainingTexts& texts);

/// Returns the options. Throws Error(internal), with both numbers, if they need more memory than this process may use.
const TrainOptions& within_memory(const TrainOptions& options, const TrainingTexts& texts, int ranks);

/// Logs text, model, training, machine, memory and run directory, one line each.
void log_plan(const TrainOptions& options, const TrainingTexts& texts, const LanguageModel& model,
              const Trainer& trainer, const std::string& folder, int ranks);

/// The fields of the log's first line.
nlohmann::ordered_json start_fields(const TrainOptions& options, const TrainingTexts& texts, const LanguageModel& model,
                                    int ranks);

}  // namespace unroll::cli
