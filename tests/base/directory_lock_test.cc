#include "base/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <thread>

#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void expect_held(const TemporaryFolder& folder) {
  const Error error = error_of([&] { DirectoryLock(folder.path("")); });
  EXPECT_EQ(error.code(), ExitCode::usage);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("another training run"), HasSubstr(folder.path("")), ::testing::Not(HasSubstr("--"))));
}

TEST(DirectoryLock, ExcludesASecondOneInTheSameProcess) {
  const TemporaryFolder folder;
  {
    const DirectoryLock lock(folder.path(""));
    EXPECT_THAT(folder.names(), ElementsAre("lock"));
    expect_held(folder);
    expect_held(folder);  // a refused attempt does not release the lock
  }
  EXPECT_THAT(folder.names(), IsEmpty());
  const DirectoryLock again(folder.path(""));
}

TEST(DirectoryLock, WaitsForOneThatIsHeldForAMomentOnly) {
  const TemporaryFolder folder;
  const auto held_for_three_tries = [](int descriptor, int operation) {
    static int tries = 0;
    if (++tries > 3) return ::flock(descriptor, operation);
    errno = EWOULDBLOCK;
    return -1;
  };
  {
    const DirectoryLock lock(folder.path(""), held_for_three_tries);
    expect_held(folder);
  }
}

TEST(DirectoryLock, OfOneFolderLeavesAnotherFree) {
  const TemporaryFolder one, other;
  const DirectoryLock first(one.path("")), second(other.path(""));
}

// A program started by the holder, such as one that draws a plot, may outlive it and must not keep the lock.
TEST(DirectoryLock, DiesWithItsProcessAndNotWithThoseThatItStarted) {
  const TemporaryFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const DirectoryLock lock(folder.path(""));
    const pid_t started = ::fork();
    if (started == 0) ::execlp("sleep", "sleep", "60", nullptr);
    if (::write(ready[1], &started, sizeof started) == sizeof started) ::pause();
    ::_exit(1);
  }
  pid_t started = 0;
  ASSERT_EQ(::read(ready[0], &started, sizeof started), ssize_t{sizeof started});
  const auto program = [&] { return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", started)); };
  while (program() == std::filesystem::read_symlink("/proc/self/exe")) std::this_thread::yield();
  expect_held(folder);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_THAT(folder.names(), ElementsAre("lock"));
  DirectoryLock(folder.path(""));
  ::kill(started, SIGKILL);
  ::close(ready[0]);
  ::close(ready[1]);
}

// The lock file is removed by its holder after it was opened here: a lock on a deleted file must not be accepted.
TEST(DirectoryLock, IsOfTheFileThatOthersFind) {
  static const TemporaryFolder folder;
  static int calls = 0;
  calls = 0;
  const DirectoryLock lock(folder.path(""), [](int descriptor, int operation) {
    if (++calls == 1) std::filesystem::remove(folder.path("lock"));
    return ::flock(descriptor, operation);
  });
  EXPECT_EQ(calls, 2);
  expect_held(folder);
}

TEST(DirectoryLock, OfAFolderThatWasMovedLeavesItsSuccessorAlone) {
  const TemporaryFolder parent;
  const std::string run = parent.path("run");
  std::filesystem::create_directory(run);
  std::optional<DirectoryLock> moved(run);
  std::filesystem::rename(run, parent.path("elsewhere"));
  std::filesystem::create_directory(run);
  const DirectoryLock successor(run);
  moved.reset();
  EXPECT_EQ(error_of([&] { DirectoryLock third(run); }).code(), ExitCode::usage);
}

TEST(DirectoryLock, RefusesWhereThereAreNoLocks) {
  const TemporaryFolder folder;
  const Error no_locks = error_of([&] {
    DirectoryLock(folder.path(""), [](int, int) {
      errno = ENOLCK;
      return -1;
    });
  });
  EXPECT_EQ(no_locks.code(), ExitCode::io);
  EXPECT_THAT(no_locks.what(), AllOf(HasSubstr("has no locks (No locks available)"), HasSubstr(folder.path(""))));
  const Error unsupported = error_of([&] {
    DirectoryLock(folder.path(""), [](int, int) {
      errno = ENOTSUP;
      return -1;
    });
  });
  EXPECT_THAT(unsupported.what(), HasSubstr("has no locks (Operation not supported)"));
}

TEST(DirectoryLock, NamesWhatItCannotLock) {
  const TemporaryFolder folder;
  const Error missing = error_of([&] { DirectoryLock(folder.path("none")); });
  EXPECT_EQ(missing.code(), ExitCode::io);
  EXPECT_THAT(missing.what(), AllOf(HasSubstr(folder.path("none")), HasSubstr("No such file or directory")));
  std::filesystem::create_directory(folder.path("lock"));
  EXPECT_THAT(error_of([&] { DirectoryLock(folder.path("")); }).what(), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace unroll
