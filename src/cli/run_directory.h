#pragma once

#include <filesystem>
#include <string>

namespace unroll::cli {

/// The model file that an argument means: the file itself, or model.safetensors of a run directory. Throws
/// Error(no_input) for a directory without one, and where there is nothing of that name.
std::string model_file_of(const std::string& argument);

/// runs/NAME-CELL for a text called NAME.txt, NAME.txt.zip, archive.zip:NAME.txt and the like.
std::string default_run_directory(const std::string& source, const std::string& cell);

/// The folder that a training run leaves behind.
class RunDirectory {
 public:
  /// Throws Error(usage) where there is a model already and `overwrite` is false.
  RunDirectory(std::string path, bool overwrite);
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  /// Removes the folders that create() made, as far as they are still empty.
  ~RunDirectory();

  /// Throws Error(io) where the folder cannot be made or written to, before the training rather than after it.
  void create();
  std::string model_path() const;

 private:
  std::filesystem::path path_;
  int created_ = 0;  // how many folders at the end of path_ are ours
};

}  // namespace unroll::cli
