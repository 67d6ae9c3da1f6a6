#include "run/run_directory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <random>
#include <system_error>
#include <thread>

#include "base/atomic_file.h"
#include "ranks/agreement.h"
#include "run/checkpoint_files.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {

namespace fs = std::filesystem;

namespace {

constexpr const char* model_name = "model.safetensors";

/// The path is not normalised further: the system resolves .. and links.
std::string without_slashes_at_end(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

DirectoryRefused::DirectoryRefused(std::string folder, Reason reason)
    : Error(fmt::format(
          "{}", reason == Reason::in_use
                    ? fmt::format("another training run is using the folder {}: wait until it ends, stop "
                                  "it, or choose another folder",
                                  folder)
                    : fmt::format("{} holds {}: choose another folder, or replace what it holds", folder,
                                  reason == Reason::model ? "a model already" : "a training that was not finished"))),
      folder_(std::move(folder)),
      reason_(reason) {}

RunDirectory::RunDirectory(std::string path, Existing existing, Refuse refuse)
    : path_(without_slashes_at_end(std::move(path))), existing_(existing), refuse_(std::move(refuse)) {
  if (path_.string().find('\0') != std::string::npos) {  // the system would take the name to end there
    throw Error(ExitCode::io,
                fmt::format("{}: no folder, since a name has no NUL byte; choose another", in_quotes(path_.string())));
  }
  refuse_existing_model();
}

void RunDirectory::refuse(DirectoryRefused::Reason reason) const {
  if (refuse_) refuse_(DirectoryRefused(path_.string(), reason));
  throw DirectoryRefused(path_.string(), reason);
}

RunDirectory::~RunDirectory() {
  lock_.reset();
  std::error_code stop;
  for (fs::path folder = path_; created_ > 0; --created_, folder = folder.parent_path()) {
    fs::remove(folder, stop);  // fails if the folder is not empty, and then also for its parents
  }
}

void RunDirectory::refuse_existing_model() const {
  std::error_code ignored;
  if (existing_ == Existing::refuse && fs::exists(model_path(), ignored)) {
    refuse(DirectoryRefused::Reason::model);
  }
}

void RunDirectory::refuse_existing_checkpoints() const {
  if (existing_ == Existing::refuse && !checkpoints_in(path_.string()).empty()) {
    refuse(DirectoryRefused::Reason::unfinished);
  }
}

void RunDirectory::release() {
  lock_.reset();
  existing_ = Existing::resume;
}

void RunDirectory::make_folders() {
  std::error_code error;
  int missing = 0;
  for (fs::path folder = path_; !folder.empty() && !fs::exists(folder, error); folder = folder.parent_path()) ++missing;
  fs::create_directories(path_, error);
  if (error) {
    throw Error(ExitCode::io,
                fmt::format("cannot make the folder {}: {}; choose another", path_.string(), error.message()));
  }
  created_ = missing;
  // A file in a new folder is durable only if the folder is.
  for (fs::path folder = path_; missing > 0; --missing, folder = folder.parent_path()) {
    sync_folder(folder.has_parent_path() ? folder.parent_path().string() : ".");
  }
}

void RunDirectory::require_write_access() const {
  if (::access(path_.c_str(), W_OK | X_OK) == 0) return;
  const char* advice = existing_ == Existing::resume ? "give yourself the right to" : "choose another";
  throw Error(ExitCode::io,
              fmt::format("cannot write to the folder {}: {}; {}", path_.string(), std::strerror(errno), advice));
}

void RunDirectory::create() {
  if (lock_) return;
  if (existing_ != Existing::resume) make_folders();
  require_write_access();
  try {
    lock_.emplace(path_.string());
  } catch (const FolderInUse&) {
    refuse(DirectoryRefused::Reason::in_use);
  }
  refuse_existing_model();        // another run may have ended since the first check
  refuse_existing_checkpoints();  // of a run that has ended: this process has the lock
  remove_unfinished_files(path_.string());
  if (existing_ == Existing::replace) remove_checkpoints_after(path_.string(), -1);
}

std::string RunDirectory::model_path() const { return model_path_in(path_.string()); }
std::string RunDirectory::model_path_in(const std::string& folder) { return (fs::path(folder) / model_name).string(); }
std::string RunDirectory::text_path() const { return (path_ / "text.txt").string(); }

void require_shared(const std::string& folder, Communicator& ranks) {
  using namespace std::chrono_literals;
  if (ranks.size() == 1) return;
  // A new name, since a network file system may remember for a while that a file did not exist.
  const std::uint32_t number = all_gather(ranks, std::uint32_t{std::random_device{}()}).front();
  const std::string path = fmt::format("{}/ranks.tmp.{}.0", folder, number);
  const bool leads = ranks.rank() == 0;
  run_collectively(ranks, [&] {
    if (leads && !std::ofstream(path)) throw Error(ExitCode::io, fmt::format("{} cannot be written", path));
  });
  const auto there = [&] {
    std::error_code ignored;
    for (int attempt = 0; attempt < 50; ++attempt, std::this_thread::sleep_for(100ms)) {
      if (fs::exists(path, ignored)) return true;
    }
    return false;
  };
  run_collectively(ranks, [&] {
    if (there()) return;
    throw Error(
        fmt::format("the folder {} is not the one that rank 0 writes to: the run directory must be one that all "
                    "hosts share",
                    folder));
  });
  std::error_code ignored;
  if (leads) fs::remove(path, ignored);
}

}  // namespace unroll
