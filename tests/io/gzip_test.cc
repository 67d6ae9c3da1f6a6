#include "io/gzip.h"

#include <gmock/gmock.h>

#include "io/archives.h"
#include "io/error_of.h"
#include "io/file.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += "line " + std::to_string(i * i) + "\n";
  return text;
}

Error refused(const std::string& bytes, std::uint64_t longest = no_limit) {
  const Error error = error_of([&] { gunzip(bytes, "a.gz", longest); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  return error;
}

TEST(Gzip, Unpacks) {
  for (const int count : {0, 1, 20'000}) EXPECT_EQ(gunzip(gzipped(lines(count)), "a.gz", no_limit), lines(count));
}

TEST(Gzip, JoinsMembersAndIgnoresPadding) {
  const std::string text = lines(100);
  EXPECT_EQ(gunzip(gzipped(text) + gzipped("") + gzipped(text) + std::string(512, '\0'), "a.gz", no_limit),
            text + text);
}

TEST(Gzip, RefusesTruncationAtEveryByte) {
  const std::string packed = gzipped(lines(20));
  for (std::size_t size = 2; size < packed.size(); ++size) {
    EXPECT_THAT(refused(packed.substr(0, size)).what(),
                AllOf(HasSubstr("a.gz"), HasSubstr("truncated at byte offset " + std::to_string(size))));
  }
}

TEST(Gzip, RefusesDamage) {
  const std::string packed = gzipped(lines(2'000));
  std::string wrong_sum = packed;
  wrong_sum[packed.size() - 8] ^= 1;
  EXPECT_THAT(refused(wrong_sum).what(), HasSubstr("incorrect data check"));
  std::string wrong_size = packed;
  wrong_size[packed.size() - 1] ^= 1;
  EXPECT_THAT(refused(wrong_size).what(), HasSubstr("incorrect length check"));
  for (std::size_t i = 10; i < packed.size(); i += 97) {
    std::string flipped = packed;
    flipped[i] ^= 0x10;
    refused(flipped);
  }
}

TEST(Gzip, RefusesWhatFollows) {
  const std::string packed = gzipped("x");
  EXPECT_THAT(refused(packed + "y").what(),
              HasSubstr("follows the gzip data at byte offset " + std::to_string(packed.size())));
}

TEST(Gzip, StopsABombAtTheLimit) {
  const std::string bomb = gzipped(std::string(8 << 20, 'a'));
  EXPECT_LT(bomb.size(), 10'000u);
  EXPECT_EQ(gunzip(bomb, "a.gz", 8 << 20).size(), 8u << 20);
  EXPECT_THAT(refused(bomb, (8 << 20) - 1).what(), AllOf(HasSubstr("8388607 bytes"), HasSubstr("unpack it yourself")));
  EXPECT_THAT(refused(bomb + bomb, 8 << 20).what(), HasSubstr("8388608 bytes"));
}

}  // namespace
}  // namespace unroll
