#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/optimizer_options.h"
#include "cli/options.h"
#include "cli/parse_checkpoint_interval.h"
#include "cli/plan.h"
#include "run/checkpoint_interval.h"
#include "unroll/language_task.h"
#include "unroll/trainer.h"

namespace unroll::cli {

/// Options of `train`, as set by its flags.
struct TrainOptions {
  std::string file;                               ///< the text; may be empty if `resume` is set
  Newlines newlines = Newlines::keep;             ///< in the text, and later in prefixes
  std::int64_t limit = 0;                         ///< symbols to read; 0: all
  std::string validation;                         ///< a share of the text, or another text; empty: none
  Unknown unknown = Unknown::refuse;              ///< symbols of the validation file that the text lacks
  LanguageModelOptions model{.cell = Cell::gru};  ///< its field newlines is set from `newlines`
  LanguageTaskOptions task;                       ///< how the text is cut into windows
  std::optional<std::int64_t> epochs;             ///< default: default_epochs()
  std::int64_t accumulate = 1;                    ///< batches per update
  std::optional<int> shards;                      ///< per batch; default: the number of ranks
  int rank_timeout = 5;                           ///< seconds without a heartbeat from a rank
  std::int64_t validate_every = 0;                ///< updates; 0: at the end of each epoch
  std::int64_t patience = 0;                      ///< validations without improvement that end training; 0: unlimited
  OptimizerOptions optimizer;                     ///< how gradients become updates
  std::uint64_t seed = 1;                         ///< of weights, windows and dropout
  std::optional<int> threads;                     ///< default: worthwhile_threads()
  std::vector<std::string> prefixes;              ///< default: the beginning of the text
  std::optional<std::int64_t> report_every;       ///< epochs; default: a tenth of all
  int sample_length = 50;                         ///< new symbols per continuation
  std::string out;                                ///< default: runs/NAME-CELL
  bool overwrite = false;                         ///< replace a model and checkpoints in `out`
  std::optional<CheckpointInterval> checkpoint_every;  ///< default: default_checkpoint_interval()
  int keep = 2;                                        ///< number of checkpoints to keep
  std::int64_t max_rollbacks = 3;                      ///< rollbacks after divergence
  std::string resume;                                  ///< run directory or checkpoint to resume; empty: a new run
  std::int64_t extend_epochs = 0;                      ///< added to those the run had planned
  std::string init_from;  ///< run directory or model whose weights to start with; empty: none
  bool json = false;      ///< print the result as JSON
};

std::vector<SettingGroup> settings_of(TrainOptions& options);

/// Throws Error for settings that have no effect in combination with the others, or contradict them.
void check_conflicts(const TrainOptions& options);

/// Sets the options that are not given, depending on the text and the number of ranks. Throws Error for prefixes with
/// symbols that the text lacks, for more shards than windows in a batch, and for more ranks than shards.
void fill_defaults(TrainOptions& options, const Corpus& corpus, int ranks);

/// The model that the settings describe.
LanguageModelOptions model_options(const TrainOptions& options);

Workload workload_of(const TrainOptions& options, std::int64_t vocabulary);

}  // namespace unroll::cli
