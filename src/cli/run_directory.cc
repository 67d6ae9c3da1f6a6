#include "cli/run_directory.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <random>
#include <string_view>
#include <system_error>
#include <thread>

#include "base/atomic_file.h"
#include "cli/checkpoint_files.h"
#include "ranks/agreement.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace fs = std::filesystem;

namespace {

constexpr const char* model_name = "model.safetensors";

/// The path is not normalised further: the system resolves .. and links.
std::string without_slashes_at_end(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

std::string model_file_of(const std::string& argument) {
  std::error_code ignored;
  if (fs::is_directory(argument, ignored)) {
    const fs::path file = fs::path(argument) / model_name;
    if (fs::exists(file, ignored)) return file.string();
    throw Error(ExitCode::no_input,
                fmt::format("there is no {} in the folder {}: train one with unroll train FILE --out {}", model_name,
                            argument, argument));
  }
  if (fs::exists(argument, ignored)) return argument;
  throw Error(
      ExitCode::no_input,
      fmt::format("there is no run directory or model file {}: unroll train says where it leaves its model", argument));
}

std::string default_run_directory(const std::string& source, const std::string& cell) {
  constexpr std::array<std::string_view, 2> packings = {".zip", ".gz"};
  const std::size_t member = source.find(".zip:");
  fs::path name = fs::path(member == std::string::npos ? source : source.substr(member + 5)).filename();
  for (const std::string_view packing : packings) {
    if (name.extension() == packing) name = name.stem();
  }
  std::string stem = source == "-" ? "stdin" : name.stem().string();
  if (stem.empty() || stem == "." || stem == "..") stem = "text";
  return fmt::format("runs/{}-{}", stem, cell);
}

RunDirectory::RunDirectory(std::string path, Existing existing)
    : path_(without_slashes_at_end(std::move(path))), existing_(existing) {
  refuse_existing_model();
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
    throw Error(fmt::format("{} holds a model already: give another folder with --out, or --overwrite to replace it",
                            path_.string()));
  }
}

void RunDirectory::refuse_existing_checkpoints() const {
  if (existing_ == Existing::refuse && !checkpoints_in(path_.string()).empty()) {
    throw Error(
        fmt::format("{0} holds a training that was not finished: go on with it, unroll train --resume {0}, or give "
                    "another folder with --out, or --overwrite to begin anew",
                    path_.string()));
  }
}

void RunDirectory::make_folders() {
  std::error_code error;
  int missing = 0;
  for (fs::path folder = path_; !folder.empty() && !fs::exists(folder, error); folder = folder.parent_path()) ++missing;
  fs::create_directories(path_, error);
  if (error) {
    throw Error(ExitCode::io, fmt::format("cannot make the folder {}: {}; choose another with --out", path_.string(),
                                          error.message()));
  }
  created_ = missing;
  // A file in a new folder is durable only if the folder is.
  for (fs::path folder = path_; missing > 0; --missing, folder = folder.parent_path()) {
    sync_folder(folder.has_parent_path() ? folder.parent_path().string() : ".");
  }
}

void RunDirectory::require_write_access() const {
  if (::access(path_.c_str(), W_OK | X_OK) == 0) return;
  const char* remedy = existing_ == Existing::resume ? "give yourself the right to" : "choose another with --out";
  throw Error(ExitCode::io,
              fmt::format("cannot write to the folder {}: {}; {}", path_.string(), std::strerror(errno), remedy));
}

void RunDirectory::create() {
  if (lock_) return;
  if (existing_ != Existing::resume) make_folders();
  require_write_access();
  lock_.emplace(path_.string());
  refuse_existing_model();        // another run may have ended since the first check
  refuse_existing_checkpoints();  // of a run that has ended: this process has the lock
  remove_unfinished_files(path_.string());
  if (existing_ == Existing::replace) remove_checkpoints_after(path_.string(), -1);
}

std::string RunDirectory::model_path() const { return (path_ / model_name).string(); }
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

}  // namespace unroll::cli
