#include "run/checkpoint_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "base/atomic_file.h"
#include "unroll/error.h"

namespace unroll {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view beginning = "checkpoint-", end = ".safetensors";

}  // namespace

std::optional<std::int64_t> update_of_checkpoint(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  if (!name.starts_with(beginning) || !name.ends_with(end)) return std::nullopt;
  const std::string_view digits =
      std::string_view(name).substr(beginning.size(), name.size() - beginning.size() - end.size());
  std::int64_t update = 0;
  const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), update);
  if (error != std::errc() || last != digits.data() + digits.size() || update < 0) return std::nullopt;
  return update;
}

std::string checkpoint_path(const std::string& folder, std::int64_t update) {
  return (fs::path(folder) / fmt::format("{}{}{}", beginning, update, end)).string();
}

std::vector<CheckpointFile> checkpoints_in(const std::string& folder) {
  std::vector<CheckpointFile> files;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), none; !error && entry != none; entry.increment(error)) {
    if (const auto update = update_of_checkpoint(entry->path().string())) files.push_back({*update, entry->path()});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.update < b.update; });
  return files;
}

void remove_checkpoints_after(const std::string& folder, std::int64_t update) {
  std::vector<CheckpointFile> files = checkpoints_in(folder);
  bool removed = false;
  for (; !files.empty() && files.back().update > update; files.pop_back()) {
    std::error_code error;
    removed = fs::remove(files.back().path, error) || removed;
    if (error) {
      throw Error(ExitCode::io, fmt::format("{}: cannot be removed: {}", files.back().path, error.message()));
    }
  }
  if (removed) sync_folder(folder);
}

}  // namespace unroll
