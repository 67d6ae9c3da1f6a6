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

TEST(DataIssues, OfMarksForMissingValues) {
  std::string csv = "t,co\n";
  for (int i = 0; i < 40; ++i) csv += fmt::format("{},{}\n", i * 7 % 40, i % 9 == 4 ? 9999 : i % 8);
  EXPECT_THAT(texts(Table::from_text(csv)),
              ElementsAre("sentinel co: 9999 in 4 rows, first in line 6, far from all the others: does it mark missing "
                          "values? missing-value \"co=9999\" takes it so"));
  EXPECT_THAT(texts(Table::from_text(csv, {.missing_values = {"co=9999"}})), ElementsAre());
}

TEST(DataIssues, OfEqualColumns) {
  std::string csv = "a,b,c,d,e,f,g,h\n";
  const auto word = [](int i) { return fmt::format("{}", "abcd"[i % 4]); };
  for (int i = 0; i < 40; ++i)
    csv += fmt::format("{0},{1},{0}.0,{2},{1},{3},{2},{4}\n", i * 7 % 40, word(i),
                       i == 9 ? "" : std::to_string(i * 7 % 40), i == 39 ? "a" : word(i),
                       i == 9 ? "\"\"" : std::to_string(i * 7 % 40));
  const Table table = Table::from_text(csv, {.as = {{"h", ColumnKind::category}, {"g", ColumnKind::category}}});
  const std::string equal =
      "equal_columns {}: has the same values as \"{}\" in every row: one of the two is enough, and "
      "drop \"{}\" leaves this one out";
  EXPECT_THAT(texts(table), testing::Contains(fmt::format(fmt::runtime(equal), "c", "a", "c")));
  EXPECT_THAT(texts(table), testing::Contains(fmt::format(fmt::runtime(equal), "e", "b", "e")));
  std::int64_t count = 0;
  for (const DataIssue& issue : find_data_issues(table, nullptr)) count += issue.kind == "equal_columns" ? 1 : 0;
  EXPECT_EQ(count, 2);
  EXPECT_THAT(texts(table, "c"), Not(testing::Contains(HasSubstr("as \"a\" in every row"))));
}

TEST(DataIssues, OfColumnsThatAreEqualButForTheSignOfZero) {
  std::string csv = "a,b,c\n";
  for (int i = 0; i < 40; ++i) {
    const int number = i * 7 % 40 % 31;
    csv += fmt::format("{0},{1}{0},{2}\n", number, number == 0 ? "-" : "", i == 9 ? "unknown" : std::to_string(number));
  }
  const std::vector<std::string> found = texts(Table::from_text(csv, {.as = {{"c", ColumnKind::number}}}));
  EXPECT_THAT(found, testing::Contains(HasSubstr("equal_columns b: has the same values as \"a\"")));
  EXPECT_THAT(found, Not(testing::Contains(HasSubstr("equal_columns c"))));
}

TEST(DataIssues, OfOneColumnThatIsSeveral) {
  const auto of = [](const std::string& header, const std::string& row) {
    std::string csv = header + "\n";
    for (int i = 0; i < 6; ++i) csv += row + std::to_string(i % 2) + "\n";
    return texts(Table::from_text(csv));
  };
  using testing::Contains;
  // Rows of one length are refused instead (Csv.RowsWithNamesMayLackTheNameOfTheirColumn).
  EXPECT_THAT(texts(Table::from_text("price\na|b|0\na|1\na|b|2\na|3\n")),
              Contains(AllOf(HasSubstr("other_delimiter price: is the only column, and 100 % of"),
                             HasSubstr("a '|', as in line 2"), HasSubstr("a line sep=|"))));
  EXPECT_THAT(of("a^b", "x^"), Contains(HasSubstr("put commas in its place")));
  EXPECT_THAT(of("a b c", "x y z"), Contains(HasSubstr("a ' '")));
  EXPECT_THAT(of("a:b", "x:"), Contains(HasSubstr("a ':'")));
  for (const auto& [header, row] : std::vector<std::pair<std::string, std::string>>{
           {"full name", "Ada Lovelace"}, {"title", "a: b"}, {"title: text", "a: b: c"}, {"a,b", "x|,"}, {"word", "x"}})
    EXPECT_THAT(of(header, row), Not(Contains(HasSubstr("other_delimiter")))) << header;
}

TEST(DataIssues, OfATableWithoutALineOfNames) {
  const auto of = [](const std::string& header) {
    std::string csv = header + "\n";
    for (int i = 0; i < 10; ++i)
      csv += fmt::format("{},{},{},{}\n", i * 3 % 7, "abc"[i % 3], 0.5 + i * 3 % 5, i * i % 8);
    return texts(Table::from_text(csv));
  };
  EXPECT_THAT(of("4,b,1.5,3"),
              ElementsAre(HasSubstr("row_for_header 4: is a name that is a number, as are those of all")));
  EXPECT_THAT(of("4,b,3,7"), ElementsAre(HasSubstr("row_for_header")));
  for (const char* names : {"2020,b,2021,2022", "2022,b,2021,2020", "4,b,1.5,n", "0,1,2,3", "0.1,b,0.5,0.9"})
    EXPECT_THAT(of(names), ElementsAre()) << names;
}

TEST(DataIssues, DoNotAdviseToDropWhatMayBeNumbers) {
  std::string csv = "price,name\n";
  for (int i = 0; i < 40; ++i) csv += fmt::format("z{} zl,{}{}\n", 100 + i, "abcdefgh"[i % 8], "ijklm"[i / 8]);
  EXPECT_THAT(
      texts(Table::from_text(csv)),
      ElementsAre("many_levels price: 40 distinct values in 40 rows, such as \"z100 zl\" in line 2: names, then "
                  "drop it; or numbers or dates that are not read as such, then write them as 1234.5 or 2020-01-31",
                  "many_levels name: 40 distinct values in 40 rows: a name rather than a category; drop it"));
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
