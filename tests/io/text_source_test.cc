#include "io/text_source.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "io/archives.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// Redirects standard input from a file during its lifetime.
class StandardInput {
 public:
  explicit StandardInput(const std::string& path) : saved_(::dup(STDIN_FILENO)) {
    const int file = ::open(path.c_str(), O_RDONLY);
    ::dup2(file, STDIN_FILENO);
    ::close(file);
  }
  StandardInput(const StandardInput&) = delete;
  StandardInput& operator=(const StandardInput&) = delete;
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

class TextSource : public testing::Test {
 protected:
  Error refused(const std::string& source, ExitCode code) const {
    const Error error = error_of([&] { read_source(source); });
    EXPECT_EQ(error.code(), code) << error.what();
    return error;
  }
  TemporaryFolder folder_;
};

TEST_F(TextSource, ReadsEveryKindByItsFirstBytes) {
  const std::string text(200'000, 'x');
  EXPECT_EQ(read_source(folder_.file("a.zip", text)).text, text);
  EXPECT_EQ(read_source(folder_.file("b.txt", gzipped(text))).text, text);
  EXPECT_EQ(read_source(folder_.file("c.gz", zipped({zip_member("m", text)}))).text, text);
  EXPECT_EQ(read_source(folder_.file("d", "ab")).text, "ab");
  EXPECT_EQ(read_source(folder_.file("e", "")).text, "");
}

TEST_F(TextSource, ReadsMembers) {
  const std::string archive = folder_.file("a.zip", zipped({zip_member("one", "1"), zip_member("t:wo", "2")}));
  EXPECT_EQ(read_source(archive + ":one").text, "1");
  EXPECT_EQ(read_source(archive + ":t:wo").text, "2");
  EXPECT_THAT(refused(archive, ExitCode::bad_data).what(), HasSubstr(archive + ":NAME"));
  EXPECT_THAT(refused(archive + ":three", ExitCode::bad_data).what(), HasSubstr("no \"three\""));
  EXPECT_THAT(refused(archive + ":", ExitCode::bad_data).what(), HasSubstr("no \"\""));
}

TEST_F(TextSource, PrefersAFileWithAColonInItsName) {
  const std::string archive = folder_.file("a.zip", zipped({zip_member("one", "1")}));
  folder_.file("a.zip:one", "a file of its own");
  EXPECT_EQ(read_source(archive + ":one").text, "a file of its own");
  folder_.file("a.zip:b.zip", zipped({zip_member("one", "2")}));
  EXPECT_EQ(read_source(archive + ":b.zip:one").text, "2");
}

TEST_F(TextSource, RefusesAMemberOfAPlainFile) {
  const std::string file = folder_.file("a.txt", "text");
  EXPECT_THAT(refused(file + ":one", ExitCode::bad_data).what(),
              AllOf(HasSubstr("not a zip archive"), HasSubstr("\"one\"")));
  folder_.file("b.gz", gzipped("text"));
  EXPECT_THAT(refused(folder_.path("b.gz:one"), ExitCode::bad_data).what(), HasSubstr("not a zip archive"));
}

TEST_F(TextSource, ReadsStandardInput) {
  {
    const StandardInput input(folder_.file("a", "plain"));
    EXPECT_EQ(read_source("-").text, "plain");
  }
  {
    const StandardInput input(folder_.file("a", gzipped("packed")));
    EXPECT_EQ(read_source("-").text, "packed");
  }
  const StandardInput input(folder_.file("a", zipped({zip_member("one", "1"), zip_member("two", "2")})));
  EXPECT_EQ(read_source("-:two").text, "2");
  ::lseek(STDIN_FILENO, 0, SEEK_SET);
  EXPECT_THAT(refused("-", ExitCode::bad_data).what(), AllOf(HasSubstr("standard input: "), HasSubstr("-:NAME")));
}

TEST_F(TextSource, ReadsAPipe) {
  ASSERT_EQ(::mkfifo(folder_.path("pipe").c_str(), 0600), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const int pipe = ::open(folder_.path("pipe").c_str(), O_WRONLY);
    const std::string part(100, 'x');
    for (int i = 0; i < 2'000; ++i) {
      if (::write(pipe, part.data(), part.size()) != 100) ::_exit(1);
    }
    ::_exit(0);
  }
  EXPECT_EQ(read_source(folder_.path("pipe")).text, std::string(200'000, 'x'));
  ::waitpid(child, nullptr, 0);
}

TEST_F(TextSource, StopsReadingAPlainFileAtItsLimit) {
  const SourceLimits limits{.plain = 100'000};
  EXPECT_EQ(read_source(folder_.file("a", std::string(300'000, 'x')), limits).text.size(), 100'000u);
  EXPECT_EQ(read_source(folder_.file("a", std::string(99'999, 'x')), limits).text.size(), 99'999u);
}

TEST_F(TextSource, ReadsAnArchiveToItsEndWhateverTheLimit) {
  const SourceLimits limits{.plain = 10};
  EXPECT_EQ(read_source(folder_.file("a", gzipped("longer than ten")), limits).text, "longer than ten");
  EXPECT_EQ(read_source(folder_.file("a", zipped({zip_member("m", "longer than ten")})), limits).text,
            "longer than ten");
}

TEST_F(TextSource, LimitsWhatAnArchiveUnpacksTo) {
  const SourceLimits limits{.unpacked = 1'000};
  const std::string text(1'001, 'x');
  EXPECT_THROW(read_source(folder_.file("a", gzipped(text)), limits), Error);
  EXPECT_THROW(read_source(folder_.file("a", zipped({zip_member("m", text)})), limits), Error);
  EXPECT_EQ(read_source(folder_.file("a", text), limits).text, text);
}

TEST_F(TextSource, NamesWhatCannotBeOpened) {
  EXPECT_THAT(refused(folder_.path("none.txt"), ExitCode::no_input).what(),
              AllOf(HasSubstr("none.txt"), HasSubstr("no such file")));
  EXPECT_THAT(refused(folder_.path("none.zip:one"), ExitCode::no_input).what(),
              HasSubstr("none.zip:one: no such file"));
  EXPECT_THAT(refused(folder_.path(""), ExitCode::no_input).what(), HasSubstr("is a directory"));
  std::filesystem::create_symlink(folder_.path("loop"), folder_.path("loop"));
  EXPECT_THAT(refused(folder_.path("loop"), ExitCode::no_input).what(), HasSubstr("Too many levels of symbolic links"));
}

TEST_F(TextSource, SaysWhenMemoryDoesNotSuffice) {
#ifdef UNROLL_SANITIZED
  GTEST_SKIP() << "sanitizers cannot run within a memory limit";
#endif
  const std::string file = folder_.file("huge", "");
  std::filesystem::resize_file(file, std::uintmax_t{64} << 30);
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit limit{std::uint64_t{4} << 30, std::uint64_t{4} << 30};
    ::setrlimit(RLIMIT_AS, &limit);
    try {
      read_source(file);
    } catch (const Error& error) {
      ::_exit(std::string(error.what()).find("does not fit into memory") != std::string::npos ? 0 : 1);
    }
    ::_exit(2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace unroll
