#include <fmt/format.h>
#include <gmock/gmock.h>

#include "unroll/table.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::SizeIs;

const Table table = Table::from_text("n,c,l,t\n1,x,\"a, b\",one two\n3,,b,\n2,y,,three\n,y,\"c, b, b\",three\n",
                                     {.as = {{"l", ColumnKind::list}, {"t", ColumnKind::text}}});

TEST(ColumnSummary, OfNumbers) {
  const ColumnSummary n = summary_of(table.column("n"));
  EXPECT_EQ(n.missing, 1);
  EXPECT_EQ(n.distinct, 3);
  EXPECT_EQ(n.numbers.median, 2);
  EXPECT_THAT(n.frequent, SizeIs(0));
}

TEST(ColumnSummary, OfCategoriesCountsRows) {
  const ColumnSummary c = summary_of(table.column("c"));
  EXPECT_EQ(c.missing, 1);
  EXPECT_EQ(c.distinct, 2);
  EXPECT_THAT(c.frequent, ElementsAre(Pair("y", 2), Pair("x", 1)));
}

TEST(ColumnSummary, OfListsCountsTokens) {
  const ColumnSummary l = summary_of(table.column("l"));
  EXPECT_EQ(l.missing, 1);
  EXPECT_EQ(l.distinct, 3);
  EXPECT_THAT(l.frequent, ElementsAre(Pair("b", 4), Pair("a", 1), Pair("c", 1)));
}

TEST(ColumnSummary, OfTextsCountsBytes) {
  const ColumnSummary t = summary_of(table.column("t"));
  EXPECT_EQ(t.missing, 1);
  EXPECT_EQ(t.distinct, 2);
  EXPECT_EQ(t.bytes, 7 + 5 + 5);
  EXPECT_EQ(t.max_bytes, 7);
}

TEST(ColumnSummary, HasTenLevelsAtMost) {
  std::string csv = "c\n";
  for (int i = 0; i < 30; ++i) csv += fmt::format("level{}\n", i % 15);
  const ColumnSummary c = summary_of(Table::from_text(csv).column("c"));
  EXPECT_EQ(c.distinct, 15);
  ASSERT_THAT(c.frequent, SizeIs(10));
  EXPECT_THAT(c.frequent.back(), Pair("level9", 2));
}

}  // namespace
}  // namespace unroll
