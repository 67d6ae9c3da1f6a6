#include <gtest/gtest.h>

#include "unroll/format.h"

namespace unroll {
namespace {

TEST(InQuotes, EscapesWhatWouldBreakALineOrSteerATerminal) {
  EXPECT_EQ(in_quotes("分开 a"), "\"分开 a\"");
  EXPECT_EQ(in_quotes("a\nb\t\x7f\"\\"), R"("a\nb\x09\x7F\"\\")");
  EXPECT_EQ(in_quotes("\x1b[31m"), R"("\x1B[31m")");
  EXPECT_EQ(in_quotes("\u009b31m\u00a0"), "\"\\xC2\\x9B31m\u00a0\"");
}

TEST(InQuotes, CutsLongNamesBetweenSymbols) {
  EXPECT_EQ(in_quotes(std::string(101, 'x')), "\"" + std::string(100, 'x') + "...\"");
  EXPECT_EQ(in_quotes(std::string(99, 'x') + "开"), "\"" + std::string(99, 'x') + "...\"");
}

}  // namespace
}  // namespace unroll
