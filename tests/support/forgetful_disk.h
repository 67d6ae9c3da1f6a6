#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/file_system.h"

namespace unroll {

/// An in-memory file system that records its operations and computes every state that a power cut after any of them may
/// leave. It guarantees what POSIX does and no more:
/// - data written to a file is durable once the file's fsync has returned; before that, any prefix of the data may be
///   present, or zeros in its place;
/// - the creation, renaming or removal of a name is durable once the folder's fsync has returned; before that, any
///   subset of these changes may be present;
/// - a rename replaces its target atomically.
/// Folders exist implicitly; descriptors are never reused.
class PowerCutFileSystem final : public FileSystem {
 public:
  using Contents = std::optional<std::string>;  // nullopt: there is no such file

  /// Adds a durable file. Must precede the first operation.
  void put(const std::string& path, std::string_view bytes) {
    UNROLL_CHECK(log_.empty());
    names_[path] = at_first_.files.size();
    at_first_.durable[path] = at_first_.files.size();
    at_first_.files.push_back({.durable = std::string(bytes), .unsynced = ""});
    now_ = at_first_;
  }

  int type_of(const std::string& path) override { return names_.contains(path) ? S_IFREG : fail(ENOENT); }
  int open_new(const std::string& path) override {
    if (names_.contains(path)) return fail(EEXIST);
    const std::size_t file = now_.files.size();
    record({.kind = Kind::make, .file = file, .text = path, .changes = {{path, file}}});
    names_[path] = file;
    return descriptor_of({.file = file, .folder = ""});
  }
  int open_folder(const std::string& path) override {
    return descriptor_of({.file = std::nullopt, .folder = folder_of(path + "/")});
  }
  ssize_t write(int descriptor, std::string_view bytes) override {
    record({.kind = Kind::write, .file = opened(descriptor).file.value(), .text = std::string(bytes), .changes = {}});
    return static_cast<ssize_t>(bytes.size());
  }
  int fsync(int descriptor) override {
    const Opened& opened_one = opened(descriptor);
    if (opened_one.file) {
      record({.kind = Kind::sync_file, .file = *opened_one.file, .text = "", .changes = {}});
    } else {
      record({.kind = Kind::sync_folder, .file = 0, .text = opened_one.folder, .changes = {}});
    }
    return 0;
  }
  int close(int descriptor) override {
    opened(descriptor).closed = true;
    return 0;
  }
  int rename(const std::string& from, const std::string& to) override {
    const auto found = names_.find(from);
    if (found == names_.end()) return fail(ENOENT);
    const std::size_t file = found->second;
    record({.kind = Kind::change, .file = file, .text = to, .changes = {{from, std::nullopt}, {to, file}}});
    names_.erase(found);
    names_[to] = file;
    return 0;
  }
  int unlink(const std::string& path) override {
    if (names_.erase(path) == 0) return fail(ENOENT);
    record({.kind = Kind::change, .file = 0, .text = path, .changes = {{path, std::nullopt}}});
    return 0;
  }

  /// Number of operations that changed something or made it durable.
  std::size_t operations() const { return log_.size(); }

  /// Current contents of a file.
  Contents contents(const std::string& path) const {
    const auto found = names_.find(path);
    if (found == names_.end()) return std::nullopt;
    return now_.files[found->second].durable + now_.files[found->second].unsynced;
  }
  /// Names of the current files, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& [name, file] : names_) result.push_back(name);
    return result;
  }
  bool all_closed() const {
    return std::all_of(descriptors_.begin(), descriptors_.end(), [](const Opened& one) { return one.closed; });
  }

  /// All possible contents of `path` if the power is cut after the first `count` operations.
  std::set<Contents> after_power_cut(const std::string& path, std::size_t count) const {
    State state = at_first_;
    for (std::size_t i = 0; i < count; ++i) apply(log_[i], state);
    UNROLL_CHECK(state.pending.size() < 16);
    std::set<Contents> result;
    for (std::size_t lasted = 0; lasted < std::size_t{1} << state.pending.size(); ++lasted) {
      Names names = state.durable;
      for (std::size_t i = 0; i < state.pending.size(); ++i) {
        if ((lasted >> i & 1) != 0) change(state.pending[i].changes, names);
      }
      const auto found = names.find(path);
      if (found == names.end()) {
        result.insert(std::nullopt);
        continue;
      }
      const File& file = state.files[found->second];
      for (std::size_t part = 0; part <= file.unsynced.size(); ++part) {
        result.insert(file.durable + file.unsynced.substr(0, part));
      }
      result.insert(file.durable + std::string(file.unsynced.size(), '\0'));
    }
    return result;
  }

 private:
  struct File {
    std::string durable, unsynced;
  };
  using Names = std::map<std::string, std::size_t>;
  struct Change {
    std::string name;
    std::optional<std::size_t> file;  // nullopt: the name is removed
  };
  enum class Kind { make, write, sync_file, change, sync_folder };
  struct Operation {
    Kind kind;
    std::size_t file;
    std::string text;             // write: bytes; sync_folder: the folder; other kinds: a name in the folder
    std::vector<Change> changes;  // applied atomically
  };
  struct State {
    std::vector<File> files;
    Names durable;
    std::vector<Operation> pending;  // changes of names that are not durable yet
  };
  struct Opened {
    std::optional<std::size_t> file;  // nullopt: `folder` is open
    std::string folder;
    bool closed = false;
  };

  static int fail(int error) {
    errno = error;
    return -1;
  }
  static std::string folder_of(const std::string& path) {
    return std::filesystem::path(path).lexically_normal().parent_path().string();
  }
  static void change(const std::vector<Change>& changes, Names& names) {
    for (const Change& one : changes) {
      if (one.file) {
        names[one.name] = *one.file;
      } else {
        names.erase(one.name);
      }
    }
  }

  int descriptor_of(Opened opened_one) {
    descriptors_.push_back(std::move(opened_one));
    return static_cast<int>(descriptors_.size() - 1);
  }
  Opened& opened(int descriptor) {
    Opened& result = descriptors_.at(static_cast<std::size_t>(descriptor));
    UNROLL_CHECK(!result.closed);
    return result;
  }
  void record(const Operation& operation) {
    apply(operation, now_);
    log_.push_back(operation);
  }

  static void apply(const Operation& operation, State& state) {
    switch (operation.kind) {
      case Kind::make:
        state.files.emplace_back();
        state.pending.push_back(operation);
        return;
      case Kind::write:
        state.files[operation.file].unsynced += operation.text;
        return;
      case Kind::sync_file:
        state.files[operation.file].durable += std::exchange(state.files[operation.file].unsynced, "");
        return;
      case Kind::change:
        state.pending.push_back(operation);
        return;
      case Kind::sync_folder:
        std::erase_if(state.pending, [&](const Operation& one) {
          if (folder_of(one.text) != operation.text) return false;
          change(one.changes, state.durable);
          return true;
        });
        return;
    }
  }

  State at_first_, now_;
  Names names_;  // as running processes see them
  std::vector<Operation> log_;
  std::vector<Opened> descriptors_;
};

}  // namespace unroll
