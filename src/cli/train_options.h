#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/checkpoint_interval.h"
#include "cli/optimizer_options.h"
#include "cli/options.h"
#include "cli/plan.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// What the flags of `train` say.
struct TrainOptions {
  std::string file;                                    ///< the text; may be empty where `resume` is not
  Newlines newlines = Newlines::keep;                  ///< of the text, and later of prefixes
  std::int64_t limit = 0;                              ///< symbols to read; 0: all
  std::string validation;                              ///< a share of the text, or another text; empty: none
  Unknown unknown = Unknown::refuse;                   ///< symbols of the latter that the text lacks
  LanguageModelOptions model{.cell = Cell::gru};       ///< its field newlines comes from the one above
  LanguageTaskOptions task;                            ///< how the text is cut into windows
  std::optional<std::int64_t> epochs;                  ///< else default_epochs()
  std::int64_t accumulate = 1;                         ///< batches of an update
  std::optional<int> slices;                           ///< of a batch; else as many as there are ranks
  int rank_timeout = 5;                                ///< seconds without a sign of life from a rank
  std::int64_t validate_every = 0;                     ///< updates; 0: where an epoch ends
  std::int64_t patience = 0;                           ///< validations without gain that end the training; 0: any
  OptimizerOptions optimizer;                          ///< how gradients become updates
  std::uint64_t seed = 1;                              ///< of weights, windows and dropout
  std::optional<int> threads;                          ///< else worthwhile_threads()
  std::vector<std::string> prefixes;                   ///< else the beginning of the text
  std::optional<std::int64_t> report_every;            ///< epochs; else a tenth of all
  int sample_length = 50;                              ///< new symbols of each continuation
  std::string out;                                     ///< else runs/NAME-CELL
  bool overwrite = false;                              ///< replace what is in `out`
  std::optional<CheckpointInterval> checkpoint_every;  ///< else default_checkpoint_every()
  int keep = 2;                                        ///< checkpoints
  std::int64_t max_rollbacks = 3;                      ///< returns to a checkpoint after divergence
  std::string resume;                                  ///< run directory or checkpoint to go on with; empty: a new run
  std::int64_t extend_epochs = 0;                      ///< more than the run had planned
  std::string init_from;                               ///< run directory or model to begin with; empty: none
  bool json = false;                                   ///< the result as JSON
};

std::vector<SettingGroup> settings_of(TrainOptions& options);

/// Throws Error for settings that would have no effect beside the others.
void check_together(const TrainOptions& options);

/// What the settings leave open, once the text is known and by how many ranks it is learnt. Throws Error for prefixes
/// that the text cannot begin with, and where the ranks are too many.
void complete(TrainOptions& options, const Corpus& corpus, int ranks);

/// The model that the settings describe.
LanguageModelOptions model_options(const TrainOptions& options);

Workload workload_of(const TrainOptions& options, std::int64_t vocabulary);

}  // namespace unroll::cli
