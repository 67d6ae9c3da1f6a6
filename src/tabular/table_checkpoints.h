#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "train/checkpoint.h"
#include "unroll/table_model.h"

namespace unroll {

/// The table, by its fingerprint, and the options that the bits of a model and of its validation depend on.
nlohmann::ordered_json describe_run(const Table& table, const TableModelOptions& options);

/// Finished folds in the run directory of a TableTrainingRun: checkpoint-N.safetensors for fold N, from 1, and
/// checkpoint-0 for the beginning (docs/checkpoint-file.md). The directory is locked by the caller.
class TableCheckpoints {
 public:
  /// `description`: of the run, see describe_run(); `metadata`: further __metadata__ of each checkpoint.
  TableCheckpoints(std::string folder, nlohmann::ordered_json description, std::map<std::string, std::string> metadata);

  void write_beginning() const;                   ///< throws Error(io)
  void write_fold(const FoldResult& fold) const;  ///< throws Error(io)
  /// The finished folds from the first one on, without a gap. Throws Error(bad_data) for a checkpoint that is damaged,
  /// of other numerics, or of another table or other options, and names what differs.
  std::vector<FoldResult> finished_folds() const;
  void remove() const;  ///< throws Error(io)

  /// The newest checkpoint in `folder`. Throws Error: no_input if there is none, bad_data if it is damaged or not one
  /// of a table.
  static StoredCheckpoint newest_in(const std::string& folder);

 private:
  void write(std::int64_t number, std::map<std::string, std::string> metadata) const;
  void check_description(const StoredCheckpoint& checkpoint) const;

  std::string folder_;
  nlohmann::ordered_json description_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace unroll
