#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_system.h"
#include "io/safetensors.h"
#include "unroll/trainer.h"

namespace unroll {

/// The state that the later steps of a training depend on: the values that trainer.visit_state() visits.
class Checkpoint {
 public:
  Checkpoint() = default;  ///< without state, for a run whose state is in its metadata
  Checkpoint(Checkpoint&&) = default;
  Checkpoint& operator=(Checkpoint&&) = default;

  /// A view of the trainer's memory, valid until training continues.
  static Checkpoint view_of(Trainer& trainer);
  /// Copies the state, so that another thread can write it while training continues. Reuses the memory of the last
  /// copy.
  void copy(Trainer& trainer);
  /// Writes a safetensors file (docs/checkpoint-file.md), atomically, with `metadata` and the numerics of this process
  /// in its __metadata__. Throws Error(io).
  void write(const std::string& path, const std::map<std::string, std::string>& metadata,
             FileSystem& files = real_file_system()) const;
  /// trainer.best_parameters() at the time of the view or copy.
  std::span<const float> best_parameters() const { return best_parameters_; }

 private:
  class Collector;
  struct Array {
    std::string name;
    std::span<const float> values;
  };
  void collect(Trainer& trainer);

  std::vector<Array> arrays_;
  std::span<const float> best_parameters_;
  nlohmann::ordered_json numbers_ = nlohmann::ordered_json::object();
  std::deque<std::vector<float>> downloads_;  // arrays of a device whose memory the host cannot read
  std::vector<float> copies_;
};

/// Prefix of the names that checkpoints before format version 3 lack.
inline constexpr std::string_view losses_prefix = "losses/";

/// A checkpoint file in memory, verified by its checksum.
class StoredCheckpoint {
 public:
  /// Throws Error: no_input for a missing file, bad_data for one that is damaged or not a checkpoint.
  static StoredCheckpoint read(const std::string& path);
  /// The value of `key` in the file's __metadata__. Throws Error(bad_data) if it is missing.
  const std::string& metadata(const std::string& key) const;
  bool has(const std::string& key) const;  ///< true if the file's __metadata__ has the key
  /// Throws Error(bad_data) for a file that was written with other numerics (base/numerics.h).
  void require_same_numerics() const;
  /// Restores the state. Throws Error(bad_data), naming the difference, for a checkpoint of another training or of
  /// other numerics. `changed`: options (StateVisitor::check) that may differ, since they were changed on purpose.
  void restore(Trainer& trainer, std::span<const std::string_view> changed = {}) const;
  const std::string& path() const { return path_; }

 private:
  StoredCheckpoint(std::string path, SafetensorsFile file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  SafetensorsFile file_;
  nlohmann::json numbers_;
};

}  // namespace unroll
