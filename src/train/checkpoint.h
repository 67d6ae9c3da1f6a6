#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/file_system.h"
#include "io/safetensors.h"
#include "unroll/trainer.h"

namespace unroll {

/// All that the later steps of a training depend on: what trainer.visit_state() shows.
class Checkpoint {
 public:
  Checkpoint() = default;
  Checkpoint(Checkpoint&&) = default;
  Checkpoint& operator=(Checkpoint&&) = default;

  /// As it lies in the trainer's memory, until training goes on.
  static Checkpoint view_of(Trainer& trainer);
  /// A copy, in the memory of the last copy where there is one: another thread may write it while training goes on.
  void copy(Trainer& trainer);
  /// As a safetensors file (docs/checkpoint-file.md), whole or not at all, with `about` as more of its __metadata__.
  /// Throws Error(io).
  void write(const std::string& path, const std::map<std::string, std::string>& about,
             FileSystem& files = real_file_system()) const;
  /// trainer.outcome() at that time.
  std::span<const float> outcome() const { return outcome_; }

 private:
  class Collector;
  struct Array {
    std::string name;
    std::span<const float> values;
  };
  void look_at(Trainer& trainer);

  std::vector<Array> arrays_;
  std::span<const float> outcome_;
  nlohmann::ordered_json numbers_;
  std::vector<float> copies_;
};

/// A checkpoint file in memory, checked against its checksum.
class StoredCheckpoint {
 public:
  /// Throws Error: no_input for a missing file, bad_data for one that is damaged or no checkpoint.
  static StoredCheckpoint read(const std::string& path);
  /// What `about` had under that key. Throws Error(bad_data) where it had nothing.
  const std::string& about(const std::string& key) const;
  /// Throws Error(bad_data) with what is different where it is that of another training.
  void restore(Trainer& trainer) const;
  const std::string& path() const { return path_; }

 private:
  StoredCheckpoint(std::string path, SafetensorsFile file) : path_(std::move(path)), file_(std::move(file)) {}

  std::string path_;
  SafetensorsFile file_;
  nlohmann::ordered_json numbers_;
};

}  // namespace unroll
