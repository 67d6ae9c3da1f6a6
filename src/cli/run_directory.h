#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "base/directory_lock.h"

namespace unroll::cli {

/// The model file that an argument means: the file itself, or model.safetensors of a run directory. Throws
/// Error(no_input) for a directory without one, and where there is nothing of that name.
std::string model_file_of(const std::string& argument);

/// runs/NAME-CELL for a text called NAME.txt, NAME.txt.zip, archive.zip:NAME.txt and the like.
std::string default_run_directory(const std::string& source, const std::string& cell);

/// The folder that a training run leaves behind, and nobody else's while the run lives.
class RunDirectory {
 public:
  /// Throws Error(usage) where there is a model already and `overwrite` is false.
  RunDirectory(std::string path, bool overwrite);
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  /// Gives the lock back and removes the folders that create() made, as far as they are still empty.
  ~RunDirectory();

  /// Makes the folder, takes its DirectoryLock and removes what a killed run left half written. Throws Error, before
  /// the training rather than after it: io where the folder cannot be made or written to, usage where another run holds
  /// it or has just left a model.
  void create();
  std::string path() const { return path_.string(); }
  std::string model_path() const;

 private:
  void make_folders();
  void refuse_existing_model() const;

  std::filesystem::path path_;
  bool overwrite_;
  int created_ = 0;  // how many folders at the end of path_ are ours
  std::optional<DirectoryLock> lock_;
};

}  // namespace unroll::cli
