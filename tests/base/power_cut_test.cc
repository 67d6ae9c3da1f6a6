// Simulates a power cut at every operation of a save; also checks that the simulation detects saves without fsync.

#include <gmock/gmock.h>

#include "base/atomic_file.h"
#include "support/failing_file_system.h"
#include "support/forgetful_disk.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::Each;
using testing::ElementsAre;
using testing::IsSupersetOf;
using Contents = PowerCutFileSystem::Contents;

const std::string path = "run/model";
const std::string fresh = "new, in pieces";

void save(FileSystem& files) {
  write_file_atomically(
      path, [](const WritePiece& write) { write("new"), write(", in"), write(" pieces"); }, files);
}

class PowerCut : public testing::TestWithParam<Contents> {
 protected:
  PowerCut() {
    if (GetParam()) disk_.put(path, *GetParam());
  }

  /// Checks that a cut after any operation leaves the old or the new file.
  void expect_old_or_new_at_every_cut() {
    for (std::size_t cut = 0; cut <= disk_.operations(); ++cut) {
      EXPECT_THAT(disk_.after_power_cut(path, cut), Each(AnyOf(GetParam(), Contents(fresh)))) << "operation " << cut;
    }
  }

  PowerCutFileSystem disk_;
};

INSTANTIATE_TEST_SUITE_P(Old, PowerCut, testing::Values(Contents("the old one"), Contents(""), Contents()));

TEST_P(PowerCut, LeavesTheOldFileOrTheNewOneAtEveryOperation) {
  save(disk_);
  expect_old_or_new_at_every_cut();
  EXPECT_THAT(disk_.after_power_cut(path, 0), ElementsAre(GetParam()));
  EXPECT_THAT(disk_.after_power_cut(path, disk_.operations() - 1), IsSupersetOf({GetParam(), Contents(fresh)}));
  EXPECT_THAT(disk_.after_power_cut(path, disk_.operations()), ElementsAre(Contents(fresh))) << "it has returned";
  EXPECT_TRUE(disk_.all_closed());
}

TEST_P(PowerCut, AfterAFaultLeavesTheOldFileOrTheNewOneToo) {
  for (std::size_t at = 0;; ++at) {
    PowerCutFileSystem disk;
    if (GetParam()) disk.put(path, *GetParam());
    FailingFileSystem files(disk, {.at = at, .error = EIO, .max_write = 2});
    try {
      save(files);
    } catch (const Error&) {
    }
    for (std::size_t cut = 0; cut <= disk.operations(); ++cut) {
      EXPECT_THAT(disk.after_power_cut(path, cut), Each(AnyOf(GetParam(), Contents(fresh))))
          << files.failed() << ", operation " << cut;
    }
    if (files.failed().empty()) break;
  }
}

TEST_P(PowerCut, LeavesOneOfTwoSaves) {
  save(disk_);
  const std::size_t first = disk_.operations();
  write_file_atomically(path, "newer", disk_);
  for (std::size_t cut = first; cut < disk_.operations(); ++cut) {
    EXPECT_THAT(disk_.after_power_cut(path, cut), Each(AnyOf(Contents(fresh), Contents("newer")))) << cut;
  }
  EXPECT_THAT(disk_.after_power_cut(path, disk_.operations()), ElementsAre(Contents("newer")));
}

/// A file system on which fsync of files, or of folders, does nothing, as if the save had left it out.
class Careless final : public FileSystem {
 public:
  Careless(FileSystem& files, bool of_files) : files_(files), of_files_(of_files) {}

  int type_of(const std::string& name) override { return files_.type_of(name); }
  int open_new(const std::string& name) override { return files_.open_new(name); }
  int open_folder(const std::string& name) override { return folder_ = files_.open_folder(name); }
  ssize_t write(int descriptor, std::string_view bytes) override { return files_.write(descriptor, bytes); }
  int fsync(int descriptor) override { return (descriptor != folder_) == of_files_ ? 0 : files_.fsync(descriptor); }
  int close(int descriptor) override { return files_.close(descriptor); }
  int rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  int unlink(const std::string& name) override { return files_.unlink(name); }

 private:
  FileSystem& files_;
  bool of_files_;
  int folder_ = -1;
};

TEST_P(PowerCut, WouldFindThatTheFileIsNotSynced) {
  Careless files(disk_, true);
  save(files);
  const auto left = disk_.after_power_cut(path, disk_.operations());
  EXPECT_THAT(left, IsSupersetOf({Contents(""), Contents("new, in"), Contents(std::string(fresh.size(), '\0'))}));
}

TEST_P(PowerCut, WouldFindThatTheFolderIsNotSynced) {
  Careless files(disk_, false);
  save(files);
  EXPECT_THAT(disk_.after_power_cut(path, disk_.operations()), IsSupersetOf({GetParam(), Contents(fresh)}));
}

TEST_P(PowerCut, WouldFindARenameBeforeTheSync) {
  const int file = disk_.open_new("run/other"), folder = disk_.open_folder("run/");
  disk_.write(file, fresh);
  disk_.rename("run/other", path);
  EXPECT_THAT(disk_.after_power_cut(path, disk_.operations()), Contains(Contents("new")));
  disk_.fsync(file);
  disk_.fsync(folder);
  EXPECT_THAT(disk_.after_power_cut(path, disk_.operations()), ElementsAre(Contents(fresh)));
}

}  // namespace
}  // namespace unroll
