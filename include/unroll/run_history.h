#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace unroll {

/// The perplexity after an update; NaN if the log has no number for it.
struct CurvePoint {
  std::int64_t update = 0;
  double perplexity = 0;
};

/// Contents of the log of a run of unroll table train.
struct TableHistory {
  std::string model;
  std::string metric;
  std::int64_t folds = 0;          ///< planned
  std::vector<double> validation;  ///< score of each finished fold; NaN if it has none
};

/// Contents of the log of a training run (docs/log-file.md). A rollback or resume drops the points after the update
/// that training returned to. What the log does not have, as that of a task without perplexity, is empty or 0.
struct RunHistory {
  std::string cell;
  std::int64_t hidden = 0;
  std::int64_t layers = 0;
  std::int64_t parameters = 0;
  std::int64_t epochs = 0;           ///< planned
  std::int64_t steps_per_epoch = 0;  ///< 0: no start event yet, or a table
  std::int64_t vocabulary = 0;       ///< number of symbols
  std::int64_t update = 0;           ///< the last one in the log
  std::int64_t rollbacks = 0;        ///< times that training diverged
  std::string divergence;            ///< where and why it did last; empty: never
  std::vector<CurvePoint> training;
  std::vector<CurvePoint> validation;
  std::string stop_reason;  ///< "finished", "stopped", "diverged", "failed"; empty if it is running or was killed
  std::string changed;      ///< time of the last event, as 2026-11-23T09:12:33.123Z
  std::optional<TableHistory> table;  ///< only for a run of unroll table train

  /// Epochs, with a fraction, after `updates` updates; 0 if steps_per_epoch is 0.
  double epochs_at(std::int64_t updates) const;
  /// The lowest validation perplexity if there is a validation, else the lowest training perplexity of a whole epoch;
  /// nothing before the first one.
  std::optional<double> best() const;
  /// True if the last training loss is no number, or more than 1.5 times that of guessing among `vocabulary` symbols.
  bool has_exploded() const;
};

constexpr const char* log_name = "log.jsonl";

/// Reads log.jsonl of the run directory `folder`. Throws Error: no_input if there is none, bad_data, with the number of
/// the line, if one is damaged, or if there is no start event.
RunHistory read_run_history(const std::string& folder);

/// True if a run uses the directory now, in any process of this machine.
bool is_running(const std::string& folder);

/// The model file that `run` names: the file itself, or that of a run directory. Throws Error(no_input) if there is
/// none.
std::string model_file_of(const std::string& run);

/// A checkpoint in a run directory: checkpoint-UPDATE.safetensors.
struct CheckpointFile {
  std::int64_t update = 0;  ///< number of updates before it
  std::string path;
};

/// The checkpoints in the folder, the earliest first; empty if the folder cannot be read.
std::vector<CheckpointFile> checkpoints_in(const std::string& folder);

}  // namespace unroll
