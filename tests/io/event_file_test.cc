#include "io/event_file.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "io/crc32c.h"
#include "io/temporary_folder.h"

namespace unroll {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

GrowingFile::Warn never() {
  return [](const std::string& warning) { ADD_FAILURE() << warning; };
}

// RFC 3720, appendix B.4, and the check value in catalogues of CRCs.
TEST(Crc32c, PublishedVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43u);
  EXPECT_EQ(crc32c(""), 0u);
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    constexpr const char* digits = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 0xF];
  }
  return text;
}

/// The data of consecutive records; checks their lengths and both checksums.
std::vector<std::string> records_of(std::string_view bytes) {
  std::vector<std::string> all;
  while (!bytes.empty()) {
    const std::size_t length = static_cast<unsigned char>(bytes[0]);  // these records are short
    const std::string data(bytes.substr(12, length));
    EXPECT_EQ(hex(bytes.substr(0, length + 16)), hex(event_record(data)));
    all.push_back(data);
    bytes.remove_prefix(length + 16);
  }
  return all;
}

// The bytes that TensorBoard's own writer produces for this event.
TEST(EventFile, OneScalarByteForByte) {
  const TemporaryFolder folder;
  EventFile file(folder.path(""), 0, never());
  file.scalar("train/loss", 300, 1700000000.5, 1.5);
  file.flush();
  const std::string expected =
      "2100000000000000"  // length 33
      "017becf6"
      "0900002040fc54d941"        // wall_time
      "10ac02"                    // step
      "2a13"                      // summary
      "0a11"                      // value
      "0a0a747261696e2f6c6f7373"  // tag
      "150000c03f"                // simple_value
      "a5972584";
  EXPECT_THAT(hex(folder.contents(folder.names().front())), HasSubstr(expected));
}

TEST(EventFile, BeginsWithTheVersion) {
  const TemporaryFolder folder;
  EventFile file(folder.path(""), 0, never());
  file.flush();
  EXPECT_THAT(folder.names(), IsEmpty());  // no events yet
  for (const std::int64_t step : {1, 2}) {
    file.scalar("a", step, 0, 0.5);
    file.flush();
  }
  ASSERT_THAT(folder.names(), SizeIs(1));
  EXPECT_THAT(folder.names().front(), StartsWith("events.out.tfevents."));
  const std::vector<std::string> records = records_of(folder.contents(folder.names().front()));
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_THAT(records[0], HasSubstr("\x1a\x0d"
                                    "brain.Event:2"));
}

TEST(EventFile, GoingOnStartsASession) {
  const TemporaryFolder folder;
  EventFile file(folder.path(""), 300, never());
  file.scalar("a", 301, 0, 0.5);
  file.flush();
  const std::vector<std::string> records = records_of(folder.contents(folder.names().front()));
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(hex(records[1].substr(9)),
            "10ad02"
            "3a020801");  // step 301, session_log {status: START}
}

TEST(EventFile, SortsBehindThoseOfALaterClock) {
  const TemporaryFolder folder;
  folder.file("events.out.tfevents.4102444800.host.1.0", "");  // the year 2100
  EventFile file(folder.path(""), 0, never());
  EXPECT_THAT(file.path(), HasSubstr("/events.out.tfevents.4102444801."));
}

TEST(EventFile, WarnsOnceWhereItCannotBeWritten) {
  const TemporaryFolder folder;
  std::vector<std::string> warnings;
  EventFile file(folder.path("no"), 0, [&](const std::string& warning) { warnings.push_back(warning); });
  for (std::int64_t step = 1; step <= 3; ++step) {
    file.scalar("a", step, 0, 0.5);
    file.flush();
  }
  ASSERT_THAT(warnings, SizeIs(1));
  EXPECT_THAT(warnings[0], HasSubstr("No such file or directory"));
  std::filesystem::create_directory(folder.path("no"));  // writing resumes once it is possible
  file.scalar("a", 4, 0, 0.5);
  file.flush();
  EXPECT_THAT(records_of(folder.contents("no/" + std::filesystem::path(file.path()).filename().string())), SizeIs(2));
}

}  // namespace
}  // namespace unroll
