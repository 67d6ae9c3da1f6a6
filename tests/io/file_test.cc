#include "io/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "io/error_of.h"
#include "io/temporary_folder.h"

namespace unroll {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

void expect_refused(const std::string& path, ExitCode code, const std::string& why, std::uint64_t max_size = no_limit) {
  const Error error = error_of([&] { read_file(path, max_size); });
  EXPECT_EQ(error.code(), code) << path;
  EXPECT_THAT(error.what(), HasSubstr(why));
}

TEST(ReadFile, ReturnsAllBytes) {
  const TemporaryFolder folder;
  const std::string bytes("a\0\r\n\xff", 5);
  EXPECT_EQ(read_file(folder.file("a", bytes)), bytes);
  EXPECT_EQ(read_file(folder.file("b", bytes), bytes.size()), bytes);
  EXPECT_EQ(read_file(folder.file("c", ""), 0), "");
}

TEST(ReadFile, RefusesWhatIsNoFileOfBytes) {
  const TemporaryFolder folder;
  expect_refused(folder.path("none"), ExitCode::no_input, "no such file");
  expect_refused(folder.path(""), ExitCode::no_input, "is a directory");
  expect_refused(folder.file("a", "x") + std::string("\0b", 2), ExitCode::no_input, "a name has no NUL byte");
  expect_refused("/proc/self/mem", ExitCode::io, "reading failed after 0 bytes");
}

TEST(ReadFile, RefusesMoreThanItsLimit) {
  const TemporaryFolder folder;
  expect_refused(folder.file("a", "abc"), ExitCode::bad_data, "a: has more than 2 bytes", 2);
  expect_refused("/dev/zero", ExitCode::bad_data, "/dev/zero: has more than 1000000 bytes", 1'000'000);
}

}  // namespace
}  // namespace unroll
