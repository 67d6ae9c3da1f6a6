#include "base/fingerprint.h"

#include <gtest/gtest.h>

namespace unroll {
namespace {

std::string bytes_of(std::size_t count) {
  std::string bytes;
  for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(i % 251);
  return bytes;
}

// Values computed by XXH3_64bits() of libxxhash.so 0.8.1.
TEST(Fingerprint, IsXxh3) {
  EXPECT_EQ(hex(fingerprint_of("")), "2d06800538d394c2");
  EXPECT_EQ(hex(fingerprint_of("abc")), "78af5f94892f3950");
  EXPECT_EQ(hex(fingerprint_of(bytes_of(1000))), "33ef703fb2b20ed1");
  EXPECT_EQ(hex(fingerprint_of(std::string(1 << 20, '\0'))), "918780b90550bf34");
}

TEST(Fingerprint, DoesNotDependOnThePieces) {
  const std::string bytes = bytes_of(3000);
  for (const std::size_t longest : {1, 7, 256, 1000, 3000}) {
    Fingerprint fingerprint;
    for (std::size_t begin = 0; begin < bytes.size(); begin += longest) {
      fingerprint.add(std::string_view(bytes).substr(begin, longest));
      fingerprint.add({});
    }
    EXPECT_EQ(fingerprint.value(), fingerprint_of(bytes)) << longest;
  }
  EXPECT_EQ(Fingerprint().value(), fingerprint_of(""));
}

TEST(Fingerprint, IsWrittenInSixteenDigits) {
  EXPECT_EQ(hex(0), "0000000000000000");
  EXPECT_EQ(hex(0xabcdef), "0000000000abcdef");
}

}  // namespace
}  // namespace unroll
