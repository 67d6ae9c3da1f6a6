#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/directory_lock.h"
#include "train/communicator.h"

namespace unroll::cli {

/// The model file that an argument means: the file itself, or model.safetensors of a run directory. Throws
/// Error(no_input) for a directory without one, and where there is nothing of that name.
std::string model_file_of(const std::string& argument);

/// runs/NAME-CELL for a text called NAME.txt, NAME.txt.zip, archive.zip:NAME.txt and the like.
std::string default_run_directory(const std::string& source, const std::string& cell);

/// What a training makes of a run directory that holds a model or checkpoints.
enum class Existing {
  refuse,   ///< it is another training's
  replace,  ///< checkpoints go away when it begins, the model when it has one of its own
  go_on     ///< it is this training's
};

/// The folder that a training run leaves behind, and nobody else's while the run lives.
class RunDirectory {
 public:
  /// Throws Error(usage) where there is something to refuse.
  RunDirectory(std::string path, Existing existing);
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  /// Gives the lock back and removes the folders that create() made, as far as they are still empty.
  ~RunDirectory();

  /// Makes the folder unless it is there, takes its DirectoryLock and removes what a killed run left half written. The
  /// second call does nothing. Throws Error, before the training rather than after it: io where the folder cannot be
  /// made or written to, usage where another run holds it or has just left something.
  void create();
  std::string path() const { return path_.string(); }
  std::string model_path() const;
  std::string text_path() const;  ///< of a copy of standard input

 private:
  void make_folders();
  void require_write_access() const;
  void refuse_existing_model() const;
  void refuse_existing_checkpoints() const;

  std::filesystem::path path_;
  Existing existing_;
  int created_ = 0;  // how many folders at the end of path_ are ours
  std::optional<DirectoryLock> lock_;
};

/// Throws Error on all ranks where one finds another folder under this path than rank 0, which is in it.
void require_shared(const std::string& folder, Communicator& ranks);

}  // namespace unroll::cli
