#include "base/atomic_file.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(AtomicFile, WritesAndReplaces) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a"), "first");
  EXPECT_EQ(folder.contents("a"), "first");
  write_file_atomically(folder.path("a"), "");
  EXPECT_EQ(folder.contents("a"), "");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

TEST(AtomicFile, TakesItsPiecesInOrderOrNone) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("a"), [](const WritePiece& write) {
    write("one, ");
    write("");
    write("two");
  });
  EXPECT_EQ(folder.contents("a"), "one, two");
  EXPECT_THROW(write_file_atomically(folder.path("a"),
                                     [](const WritePiece& write) {
                                       write("half");
                                       throw std::runtime_error("no more");
                                     }),
               std::runtime_error);
  EXPECT_EQ(folder.contents("a"), "one, two");
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

TEST(AtomicFile, WritesBesideTheCurrentFolder) {
  const TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path(""));
  write_file_atomically("bare", "name");
  std::filesystem::current_path(before);
  EXPECT_EQ(folder.contents("bare"), "name");
}

TEST(AtomicFile, HonoursTheUmask) {
  const TemporaryFolder folder;
  const mode_t before = ::umask(027);
  write_file_atomically(folder.path("a"), "x");
  ::umask(before);
  struct stat status {};
  ASSERT_EQ(::stat(folder.path("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
}

TEST(AtomicFile, RefusesWhatIsNoRegularFile) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("d"));
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  const Error directory = error_of([&] { write_file_atomically(folder.path("d"), "x"); });
  EXPECT_EQ(directory.code(), ExitCode::io);
  EXPECT_THAT(directory.what(), AllOf(HasSubstr(folder.path("d")), HasSubstr("is a directory")));
  EXPECT_THAT(error_of([&] { write_file_atomically(folder.path("pipe"), "x"); }).what(),
              HasSubstr("not a regular file"));
  EXPECT_TRUE(std::filesystem::is_fifo(folder.path("pipe")));
}

TEST(AtomicFile, RefusesANulByteInAName) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a") + std::string("\0b", 2);
  for (int i = 0; i < 2; ++i) {  // the second temporary file would have the name of the first for ever
    try {
      write_file_atomically(path, "x");
      ADD_FAILURE() << "written";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::io);
      EXPECT_THAT(error.what(), HasSubstr("a\\x00b\": cannot be written: a name has no NUL byte"));
    }
  }
  EXPECT_THAT(folder.names(), testing::IsEmpty());
}

TEST(AtomicFile, NamesAMissingFolder) {
  const TemporaryFolder folder;
  const Error error = error_of([&] { write_file_atomically(folder.path("no/model"), "x"); });
  EXPECT_EQ(error.code(), ExitCode::io);
  EXPECT_THAT(error.what(), AllOf(HasSubstr(folder.path("no/model")), HasSubstr("No such file or directory")));
}

// A limit on the file size simulates a full disk: the kernel accepts some of the bytes and refuses the rest.
TEST(AtomicFile, LeavesTheOldFileWhenTheDiskIsFull) {
  const TemporaryFolder folder;
  write_file_atomically(folder.path("model"), "the old one");
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file_atomically(folder.path("model"), std::string(100'000, 'x'));
    } catch (const Error& error) {
      const bool told = std::string(error.what()).find("File too large") != std::string::npos;
      ::_exit(error.code() == ExitCode::io && told ? 0 : 1);
    }
    ::_exit(2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(folder.contents("model"), "the old one");
  EXPECT_THAT(folder.names(), ElementsAre("model"));
}

TEST(AtomicFile, ThreadsDoNotMix) {
  const TemporaryFolder folder;
  const auto write = [&](char letter) {
    for (int i = 0; i < 20; ++i) write_file_atomically(folder.path("a"), std::string(50'000, letter));
  };
  std::thread first(write, 'a'), second(write, 'b');
  first.join();
  second.join();
  EXPECT_THAT(folder.contents("a"), AnyOf(std::string(50'000, 'a'), std::string(50'000, 'b')));
  EXPECT_THAT(folder.names(), ElementsAre("a"));
}

}  // namespace
}  // namespace unroll
