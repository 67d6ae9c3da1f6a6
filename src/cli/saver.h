#pragma once

#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <optional>
#include <string>

#include "cli/checkpoint_interval.h"
#include "cli/output.h"
#include "train/checkpoint.h"
#include "train/communicator.h"

namespace unroll::cli {

struct SaverOptions {
  std::string folder;      ///< run directory
  std::string model_path;  ///< in it
  CheckpointInterval every;
  int keep = 2;             ///< checkpoints, the newest ones
  std::int64_t origin = 0;  ///< the earliest update to return to
  /// More of each checkpoint's __metadata__, asked for when it is taken.
  std::function<std::map<std::string, std::string>()> about;
  /// Told of each checkpoint that was written: updates before it, seconds that it took.
  std::function<void(std::int64_t update, double seconds)> on_written;
};

/// Keeps a training on disk: checkpoints at regular places, and with each of them the model as it would be left then. A
/// thread writes what was copied, while training goes on. A save that fails is one warning until one succeeds again,
/// and ends no training. Of several ranks, rank 0 writes; all call the same functions at the same updates, and compare
/// their parameters each time.
class Saver {
 public:
  Saver(const LanguageModel& model, Trainer& trainer, Communicator& ranks, SaverOptions options);
  Saver(const Saver&) = delete;
  Saver& operator=(const Saver&) = delete;
  /// Waits for what is being written.
  ~Saver();

  /// Asks the system for the memory of the copies, so that the first one takes no longer than the others.
  void prepare();
  /// Writes a checkpoint, with the model unless training is at its beginning, and returns when they are there. Throws
  /// Diverged where a parameter is not finite.
  void save();
  /// The same, for the last time: throws Error(io) where it fails.
  void finish();
  /// After each step: has the thread write where it is time. Throws Diverged as save() does.
  void step_done();
  /// After a divergence: puts the last good one of the regular checkpoints back, and removes what came later. Returns
  /// that checkpoint; nothing where there is none.
  std::optional<StoredCheckpoint> roll_back();

 private:
  struct Written {
    double seconds = 0;
    std::string problem;  // empty: none
  };
  bool leads() const { return ranks_.rank() == 0; }
  bool due(std::int64_t update) const;
  void get_ready();
  bool is_regular(std::int64_t update) const;
  void start();
  void collect();
  Written write(const Checkpoint& checkpoint, std::int64_t update,
                const std::map<std::string, std::string>& about) const;
  Written write_now();
  void note(std::int64_t update, const Written& written);
  void remove_old() const;
  std::optional<StoredCheckpoint> restore_newest();

  const LanguageModel& model_;
  Trainer& trainer_;
  Communicator& ranks_;
  SaverOptions options_;
  Checkpoint copy_;                    // the thread's while writing_ is valid
  std::int64_t update_ = 0;            // of the copy
  std::optional<std::int64_t> good_;   // the last that was written
  double last_ = monotonic_seconds();  // when it was begun
  std::string problem_;                // of the last save; empty: none
  std::future<Written> writing_;
};

}  // namespace unroll::cli
