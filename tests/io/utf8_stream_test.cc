#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>
#include <utf8.h>

#include <iterator>

#include "io/utf8.h"

namespace unroll {
namespace {

/// What the stream makes of bytes that arrive in pieces of `piece` bytes.
std::string streamed(std::string_view bytes, std::size_t piece) {
  Utf8Stream stream;
  std::string text;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    stream.add(bytes.substr(0, piece), text);
    EXPECT_EQ(first_invalid_utf8(text), text.size()) << "whole UTF-8 after each piece";
  }
  stream.finish(text);
  return text;
}

TEST(Utf8Stream, PutsCodePointsTogether) {
  Utf8Stream stream;
  std::string text;
  stream.add("a\xe5\x88", text);
  EXPECT_EQ(text, "a");
  stream.add("\x86", text);
  EXPECT_EQ(text, "a分");
  stream.add("\xf0\x9f\x98", text);
  EXPECT_EQ(text, "a分");
  stream.add("\x80z", text);
  EXPECT_EQ(text, "a分\U0001f600z");
  stream.finish(text);
  EXPECT_EQ(text, "a分\U0001f600z");
}

// The expected numbers of U+FFFD are those of Unicode 15, section 3.9, tables 3-8 to 3-11.
TEST(Utf8Stream, ReplacesWhatIsNoUtf8) {
  const std::pair<std::string, std::string> cases[] = {
      {"\xc0\xaf\xe0\x80\xbf\xf0\x81\x82\x41", "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA"},
      {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA"},
      {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", "\ufffd\ufffd\ufffd\ufffd\ufffdA\ufffd\ufffdB"},
      {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", "\ufffd\ufffd\ufffd\ufffdA"},
      {"a\xe5\x88", "a\ufffd"},
      {"\xe5\x88\xe5\x88\x86", "\ufffd分"},
  };
  for (const auto& [bytes, expected] : cases) {
    for (std::size_t piece = 1; piece <= bytes.size(); ++piece) EXPECT_EQ(streamed(bytes, piece), expected);
  }
}

RC_GTEST_PROP(Utf8Stream, GivesUtf8ForAnyBytes, (const std::vector<std::uint8_t>& values)) {
  const std::string bytes(values.begin(), values.end());
  const std::string whole = streamed(bytes, bytes.size() + 1);
  for (std::size_t piece = 1; piece < 5; ++piece) RC_ASSERT(streamed(bytes, piece) == whole);
  if (utf8::is_valid(bytes.begin(), bytes.end())) RC_ASSERT(whole == bytes);
}

}  // namespace
}  // namespace unroll
