#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "base/directory_lock.h"
#include "unroll/communicator.h"
#include "unroll/error.h"

namespace unroll {

/// Treatment of a run directory that already holds a model or checkpoints.
enum class Existing {
  refuse,   ///< they belong to another training
  replace,  ///< checkpoints are removed at the start, the model is replaced by the new one
  resume    ///< they belong to this training
};

/// Thrown if a run directory belongs to another run.
class DirectoryRefused : public Error {
 public:
  enum class Reason {
    in_use,     ///< another process or object uses it now
    model,      ///< it holds a model
    unfinished  ///< it holds checkpoints of a run that was not finished
  };
  DirectoryRefused(std::string folder, Reason reason);
  const std::string& folder() const { return folder_; }
  Reason reason() const { return reason_; }

 private:
  std::string folder_;
  Reason reason_;
};

/// The folder of a training run, locked against other runs.
class RunDirectory {
 public:
  /// Throws a refusal in the caller's terms, with its flags, say.
  using Refuse = std::function<void(const DirectoryRefused&)>;

  /// Throws DirectoryRefused if `existing` is refuse and there is a model. A refusal is passed to `refuse` first.
  RunDirectory(std::string path, Existing existing, Refuse refuse = {});
  RunDirectory(const RunDirectory&) = delete;
  RunDirectory& operator=(const RunDirectory&) = delete;
  /// Releases the lock and removes the folders that create() made, as far as they are still empty.
  ~RunDirectory();

  /// Creates the folder if needed, takes its DirectoryLock and removes unfinished files of a killed run. A second call
  /// does nothing. Throws Error, before training rather than after it: io if the folder cannot be created or written
  /// to, and DirectoryRefused.
  void create();
  /// Releases the lock. What the folder holds belongs to this run: create() takes the lock again.
  void release();
  std::string path() const { return path_.string(); }
  std::string model_path() const;
  static std::string model_path_in(const std::string& folder);
  std::string text_path() const;  ///< for a copy of standard input

 private:
  void make_folders();
  void require_write_access() const;
  void refuse_existing_model() const;
  void refuse_existing_checkpoints() const;
  [[noreturn]] void refuse(DirectoryRefused::Reason reason) const;

  std::filesystem::path path_;
  Existing existing_;
  Refuse refuse_;
  int created_ = 0;  // number of folders at the end of path_ that create() made
  std::optional<DirectoryLock> lock_;
};

/// Collective: throws Error on all ranks if `folder` is not one folder shared by all ranks. Rank 0 must be able to
/// write to it.
void require_shared(const std::string& folder, Communicator& ranks);

}  // namespace unroll
