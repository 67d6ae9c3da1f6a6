#include <fmt/format.h>
#include <gmock/gmock.h>

#include "unroll/options.h"
#include "unroll/table.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> texts(const Table& table, const char* target = nullptr) {
  std::vector<std::string> found;
  for (const DataIssue& one : find_data_issues(table, target == nullptr ? nullptr : &table.column(target)))
    found.push_back(fmt::format("{} {}: {}", one.kind, one.column, one.text));
  return found;
}

TEST(DataIssues, OfAGoodTableAreNone) {
  std::string csv = "area,zone,price\n";
  for (int i = 0; i < 40; ++i) csv += fmt::format("{},{},{}\n", 100 + i * 7 % 40, "abcd"[i % 4], 5 + i * 11 % 37);
  EXPECT_THAT(texts(Table::from_text(csv), "price"), ElementsAre());
}

TEST(DataIssues, OfTheTarget) {
  const Table table = Table::from_text("x,price\n1,5\n2,\n4,0\n1,-3\n");
  EXPECT_THAT(texts(table, "price"),
              ElementsAre("target_missing price: the target is missing in 1 row, first in line 3",
                          "target_not_positive price: the target is 0 or less in 2 rows, first in line 4: it has no "
                          "logarithm"));
}

TEST(DataIssues, OfColumnsThatContainTheTarget) {
  std::string csv = "remark,price\n";
  for (int i = 0; i < 40; ++i) csv += fmt::format("a house sold for ${0},{0}\n", 100'000 + 7'919 * i);
  const Table table = Table::from_text(csv, {.as = {{"remark", ColumnKind::text}}});
  EXPECT_THAT(texts(table, "price"),
              ElementsAre(R"(contains_target remark: holds the target "price" in 40 rows (100 %), as in line 2: )"
                          R"("..a house sold for $100000.."; mask these numbers, or drop the column)"));
  EXPECT_THAT(texts(table), ElementsAre(HasSubstr(R"(holds the value of "price" in 40 rows)")));
}

TEST(DataIssues, NameFlagsInTheProgram) {
  const Table table = Table::from_text("a,b\n1,x\n2,x\n");
  EXPECT_THAT(texts(table), ElementsAre("constant b: is the same in every row: drop it"));
  set_option_style(OptionStyle::flag);
  const auto with_flags = texts(table);
  set_option_style(OptionStyle::plain);
  EXPECT_THAT(with_flags, ElementsAre("constant b: is the same in every row: --drop it"));
}

TEST(DataIssues, ShowAtMostFortyCharactersOfACell) {
  std::string forty;
  for (int i = 0; i < 40; ++i) forty += "ü";
  const Table table = Table::from_text("n\n1\n2\n3\n" + forty + "üü\n");
  const DataIssue issue = find_data_issues(table, nullptr).at(0);
  EXPECT_EQ(issue.kind, "text_among_numbers");
  EXPECT_THAT(issue.rows, ElementsAre(3));
  EXPECT_EQ(issue.text, fmt::format("1 of 4 values are no numbers, such as \"{}..\" in line 5; as \"n=category\" takes "
                                    "them all as they are",
                                    forty));
}

TEST(DataIssues, OfCodesAndDoubles) {
  std::string csv = "zip,copy,price\n";
  for (int i = 0; i < 60; ++i) csv += fmt::format("{},{},{}\n", 94'000 + i * 7 % 11, 50 + i * 7 % 53, 50 + i * 7 % 53);
  EXPECT_THAT(texts(Table::from_text(csv), "price"),
              ElementsAre("double_of_target copy: is nearly the target (rank correlation 1.000, equal in 100 %): is it "
                          "known before?",
                          R"(code zip: whole numbers of as many digits each, 11 distinct: codes? as "zip=category")"));
}

}  // namespace
}  // namespace unroll
