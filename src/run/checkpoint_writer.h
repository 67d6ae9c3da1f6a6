#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "train/checkpoint.h"
#include "unroll/communicator.h"
#include "unroll/training_run.h"

namespace unroll {

struct CheckpointWriterOptions {
  std::string folder;      ///< run directory
  std::string model_path;  ///< model file in the run directory
  TrainingRun::ModelWriter write_model;
  CheckpointInterval every;
  int keep = 2;                                       ///< number of newest checkpoints to keep
  std::int64_t origin = 0;                            ///< earliest update that a rollback may return to
  std::span<const std::string_view> may_change = {};  ///< options that may differ from those of a rollback target
  /// Returns further __metadata__ of a checkpoint; called when the checkpoint is taken.
  std::function<std::map<std::string, std::string>()> metadata;
  /// Called after each written checkpoint: number of updates before it, seconds that the write took.
  std::function<void(std::int64_t update, double seconds)> on_written;
  /// Called with a line of text if a checkpoint cannot be written or read.
  std::function<void(const std::string&)> warn;
};

/// Writes checkpoints of a training at regular intervals, each with the model file as of that update. A thread writes
/// the copied state while training continues. A failed save does not end the training; it warns once until a save
/// succeeds again. Rank 0 writes; all ranks call the same functions at the same updates, and compare their parameters
/// each time.
class CheckpointWriter {
 public:
  CheckpointWriter(Trainer& trainer, Communicator& ranks, CheckpointWriterOptions options);
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;
  /// Waits for a write in progress.
  ~CheckpointWriter();

  /// Allocates the memory of the copy, so that the first checkpoint takes no longer than later ones.
  void prepare();
  /// Writes a checkpoint, and the model if there was an update, and returns after the write. Throws Diverged if a
  /// parameter is not finite.
  void save();
  /// The save at the end of training: like save(), but throws Error(io) if the write fails.
  void finish();
  /// Call after each step: starts a write in the background if a checkpoint is due. Throws Diverged as save() does.
  void step_done();
  /// After a divergence: restores the newest readable rollback target and removes later checkpoints. Returns that
  /// checkpoint; empty if there is none.
  std::optional<StoredCheckpoint> roll_back();

 private:
  struct Written {
    double seconds = 0;
    std::string problem;  // empty: none
  };
  bool is_root() const { return ranks_.rank() == 0; }
  bool due(std::int64_t update) const;
  void verify_replicas();
  bool is_regular(std::int64_t update) const;
  void start();
  void collect();
  Written write(const Checkpoint& checkpoint, std::int64_t update,
                const std::map<std::string, std::string>& metadata) const;
  Written write_now();
  void record(std::int64_t update, const Written& written);
  void remove_old() const;
  std::optional<StoredCheckpoint> restore_newest();

  Trainer& trainer_;
  Communicator& ranks_;
  CheckpointWriterOptions options_;
  Checkpoint copy_;                    // used by the thread while writing_ is valid
  std::int64_t update_ = 0;            // of the copy
  std::optional<std::int64_t> good_;   // update of the last checkpoint that was written
  double last_ = monotonic_seconds();  // start time of the last write
  std::string problem_;                // of the last save; empty: none
  std::future<Written> writing_;
};

}  // namespace unroll
