#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/directory_lock.h"
#include "unroll/communicator.h"

namespace unroll::cli {

/// The model file that an argument names: the file itself, or model.safetensors of a run directory. Throws
/// Error(no_input) for a directory without one, and if there is nothing of that name.
std::string model_file_of(const std::string& argument);

/// runs/NAME-CELL for a text called NAME.txt, NAME.txt.zip, archive.zip:NAME.txt and the like.
std::string default_run_directory(const std::string& source, const std::string& cell);

/// Treatment of a run directory that already holds a model or checkpoints.
enum class Existing {
  refuse,   ///< they belong to another training
  replace,  ///< checkpoints are removed at the start, the model is replaced by the new one
  resume    ///< they belong to this training
};

/// The folder of a training run, locked against other runs.
class RunDirectory {
 public:
  /// Throws Error(usage) if `existing` is refuse and there is a model.
  RunDirectory(std::string path, Existing existing);
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  /// Releases the lock and removes the folders that create() made, as far as they are still empty.
  ~RunDirectory();

  /// Creates the folder if needed, takes its DirectoryLock and removes unfinished files of a killed run. A second call
  /// does nothing. Throws Error, before training rather than after it: io if the folder cannot be created or written
  /// to, usage if another run holds it or, with Existing::refuse, it holds a model or checkpoints.
  void create();
  std::string path() const { return path_.string(); }
  std::string model_path() const;
  std::string text_path() const;  ///< for a copy of standard input

 private:
  void make_folders();
  void require_write_access() const;
  void refuse_existing_model() const;
  void refuse_existing_checkpoints() const;

  std::filesystem::path path_;
  Existing existing_;
  int created_ = 0;  // number of folders at the end of path_ that create() made
  std::optional<DirectoryLock> lock_;
};

/// Collective: throws Error on all ranks if `folder` is not one folder shared by all ranks. Rank 0 must be able to
/// write to it.
void require_shared(const std::string& folder, Communicator& ranks);

}  // namespace unroll::cli
