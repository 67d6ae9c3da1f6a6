// Saves on a file system that fails at each operation in turn.

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstring>
#include <filesystem>

#include "base/atomic_file.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "support/failing_file_system.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr int errors[] = {ENOSPC, EDQUOT, EIO, EROFS, ENOENT, EACCES};
const std::string fresh = "new, in pieces";

void save(const std::string& path, FileSystem& files) {
  write_file_atomically(
      path, [](const WritePiece& write) { write("new"), write(", in"), write(" pieces"); }, files);
}

/// The operations of a save without faults.
std::vector<std::string> undisturbed(std::size_t max_write) {
  const TemporaryFolder folder;
  FailingFileSystem files(real_file_system(), {.max_write = max_write});
  save(folder.path("model"), files);
  EXPECT_EQ(folder.contents("model"), fresh);
  return files.operations();
}

TEST(AtomicFileFaults, TheOperationsOfASave) {
  EXPECT_THAT(undisturbed(4), ElementsAre("type_of", "open_folder", "open_new", "write", "write", "write", "write",
                                          "fsync", "close", "rename", "fsync", "close"));
}

TEST(AtomicFileFaults, OneFailureAnywhereIsToldAndLeavesAWholeFile) {
  const std::vector<std::string> operations = undisturbed(4);
  for (const int error : errors) {
    for (std::size_t at = 0; at < operations.size(); ++at) {
      SCOPED_TRACE(fmt::format("{} at operation {}: {}", std::strerror(error), at, operations[at]));
      const TemporaryFolder folder;
      const std::string path = folder.file("model", "the old one");
      FailingFileSystem files(real_file_system(), {.at = at, .error = error, .max_write = 4});
      const bool harmless = at == 0 || at + 1 == operations.size();  // checking the target's type, closing the folder
      const bool renamed = at + 2 >= operations.size();
      if (harmless) {
        save(path, files);
      } else {
        const Error told = error_of([&] { save(path, files); });
        EXPECT_EQ(told.code(), ExitCode::io);
        EXPECT_THAT(told.what(), AllOf(StartsWith(path + ": "), HasSubstr(std::strerror(error)),
                                       EndsWith("; make room or write elsewhere")));
      }
      EXPECT_EQ(folder.contents("model"), harmless || renamed ? fresh : "the old one");
      EXPECT_THAT(folder.names(), ElementsAre("model"));
      save(path, real_file_system());  // succeeds without the fault
      EXPECT_EQ(folder.contents("model"), fresh);
    }
  }
}

TEST(AtomicFileFaults, AFileSystemThatStaysBrokenKeepsTheOldFile) {
  const std::size_t count = undisturbed(4).size();
  for (const int error : errors) {
    for (std::size_t at = 0; at + 2 < count; ++at) {
      const TemporaryFolder folder;
      const std::string path = folder.file("model", "the old one");
      FailingFileSystem files(real_file_system(), {.at = at, .error = error, .permanent = true, .max_write = 4});
      EXPECT_THAT(error_of([&] { save(path, files); }).what(), HasSubstr(std::strerror(error)));
      EXPECT_EQ(folder.contents("model"), "the old one");
      remove_unfinished_files(folder.path(""));
      EXPECT_THAT(folder.names(), ElementsAre("model"));
    }
  }
}

TEST(AtomicFileFaults, AnInterruptionIsNoFailure) {
  const std::vector<std::string> operations = undisturbed(4);
  for (std::size_t at = 0; at < operations.size(); ++at) {
    if (operations[at] == "rename") continue;  // rename(2) is never interrupted
    const TemporaryFolder folder;
    FailingFileSystem files(real_file_system(), {.at = at, .error = EINTR, .max_write = 4});
    save(folder.path("model"), files);
    EXPECT_EQ(folder.contents("model"), fresh);
  }
}

TEST(AtomicFileFaults, AFolderThatCannotBeSyncedIsNoFailure) {
  const TemporaryFolder folder;
  const std::size_t last = undisturbed(4).size() - 2;
  FailingFileSystem files(real_file_system(), {.at = last, .error = EINVAL, .max_write = 4});
  save(folder.path("model"), files);
  EXPECT_EQ(files.failed(), "fsync");
}

TEST(AtomicFileFaults, WritesAreAsShortAsTheyCome) {
  for (const std::size_t longest : {1, 2, 3, 100}) undisturbed(longest);
  const TemporaryFolder folder;
  FailingFileSystem takes_nothing(real_file_system(), {.max_write = 0});
  EXPECT_THAT(error_of([&] { save(folder.path("model"), takes_nothing); }).what(),
              HasSubstr("No space left on device"));
  EXPECT_THAT(folder.names(), IsEmpty());
}

TEST(AtomicFileFaults, SyncingAFolderTellsItsFailure) {
  const TemporaryFolder folder;
  sync_folder(folder.path(""));
  FailingFileSystem files(real_file_system(), {.at = 1, .error = EIO});
  EXPECT_THAT(error_of([&] { sync_folder(folder.path(""), files); }).what(),
              AllOf(StartsWith(folder.path("")), HasSubstr("Input/output error")));
  EXPECT_EQ(error_of([&] { sync_folder(folder.path("none")); }).code(), ExitCode::io);
}

TEST(AtomicFileFaults, OnlyUnfinishedFilesAreRemoved) {
  const TemporaryFolder folder;
  const std::vector<std::string> others = {"model",         "model.tmp",    "model.tmp.1",
                                           "model.tmp.a.0", "model.tmp.1.", "modeltmp.1.0",
                                           "123.4",         ".tmp.1.0",     "model.tmp.1.0.bak"};
  for (const std::string& name : others) folder.file(name, "x");
  std::filesystem::create_directory(folder.path("folder.tmp.1.0"));
  folder.file("model.tmp.1.0", "half");
  folder.file("check point.tmp.4194304.17", "");
  std::filesystem::create_symlink("model", folder.path("link.tmp.1.0"));
  remove_unfinished_files(folder.path(""));
  std::vector<std::string> left = others;
  left.insert(left.end(), {"folder.tmp.1.0", "link.tmp.1.0"});
  EXPECT_THAT(folder.names(), testing::UnorderedElementsAreArray(left));
  remove_unfinished_files(folder.path("none"));
}

}  // namespace
}  // namespace unroll
