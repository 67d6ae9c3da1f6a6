#include "tabular/tree_encoder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "io/error_of.h"
#include "tabular/rows.h"

namespace unroll {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// One column of cells; the encoder is fitted to the first targets.size() of them.
struct Fitted {
  Table table;
  TreeEncoder encoder;

  Fitted(ColumnKind kind, const std::vector<std::string>& cells, const std::vector<double>& targets)
      : table(Table::from_text(csv(cells), {.as = {{"c", kind}, {"other", ColumnKind::text}}})),
        encoder(TreeEncoder::fit({table, rows_from(0, std::ssize(targets))}, targets, {})) {}

  static std::string csv(const std::vector<std::string>& cells) {
    std::string text = "c,other\n";
    for (const std::string& cell : cells) text += cell + ",1\n";
    return text;
  }
};

using Numbers = std::map<std::uint32_t, double>;

/// The numbers present in one row, by column index.
Numbers row_of(const Fitted& fitted, std::int64_t row) {
  const SparseRows rows = fitted.encoder.encode({fitted.table, std::vector{row}});
  EXPECT_EQ(rows.size(), 1);
  EXPECT_EQ(rows.width, fitted.encoder.width());
  EXPECT_EQ(rows.begins.back(), rows.values.size());
  Numbers numbers;
  for (std::size_t i = 0; i < rows.values.size(); ++i) numbers[rows.places[i]] = double{rows.values[i]};
  return numbers;
}

std::vector<double> zeros(std::size_t count) { return std::vector<double>(count, 0.0); }

TEST(TreeEncoder, KeepsNumbersAsTheyAre) {
  const Fitted f(ColumnKind::number, {"2.5", "0", "", "-1e300", "word", "7"}, zeros(6));
  EXPECT_EQ(f.encoder.width(), 2);
  EXPECT_EQ(row_of(f, 0), (Numbers{{0, 2.5}}));
  EXPECT_EQ(row_of(f, 1), (Numbers{{0, 0}}));
  EXPECT_THAT(row_of(f, 2), IsEmpty());
  EXPECT_EQ(row_of(f, 3), (Numbers{{0, double{-1e30F}}})) << "finite as a float";
  EXPECT_THAT(f.encoder.to_json()["numbers"].dump(), HasSubstr(R"({"column":"c","what":"items"})"));
}

TEST(TreeEncoder, CountsTheItemsOfWords) {
  const Fitted f(ColumnKind::number, {"\"a, b, c\"", "4", "x"}, zeros(3));
  EXPECT_EQ(row_of(f, 0), (Numbers{{1, 3}}));
  EXPECT_EQ(row_of(f, 1), (Numbers{{0, 4}}));
  EXPECT_EQ(row_of(f, 2), (Numbers{{1, 1}}));
}

TEST(TreeEncoder, TakesDatesApart) {
  const Fitted f(ColumnKind::date, {"1970-01-03", "2020-02-29", ""}, zeros(3));
  EXPECT_EQ(row_of(f, 0), (Numbers{{0, 2}, {1, 1}, {2, 1970}, {3, 3}}));
  EXPECT_EQ(row_of(f, 1), (Numbers{{0, 18321}, {1, 2}, {2, 2020}, {3, 60}}));
  EXPECT_THAT(row_of(f, 2), IsEmpty());
}

TEST(TreeEncoder, GivesALevelItsMeanTargetDrawnToThatOfAll) {
  // 20 rows: 10 of level a with target 4, 4 of level b with target 4 (too few), 6 missing with target 0.
  std::vector<std::string> cells(10, "a");
  cells.insert(cells.end(), 4, "b");
  cells.insert(cells.end(), 6, "");
  cells.emplace_back("new");
  std::vector<double> targets(14, 4.0);
  targets.insert(targets.end(), 6, 0.0);
  const Fitted f(ColumnKind::category, cells, targets);
  constexpr double mean = 14 * 4.0 / 20;
  EXPECT_EQ(f.encoder.width(), 1);
  constexpr double rounding = 4 * std::numeric_limits<float>::epsilon();  // of numbers up to 4 in float32
  EXPECT_NEAR(row_of(f, 0)[0], (10 * 4 + 10 * mean) / 20, rounding);
  EXPECT_NEAR(row_of(f, 10)[0], mean, rounding) << "a mean of few would tell each its own target";
  EXPECT_NEAR(row_of(f, 14)[0], 10 * mean / 16, rounding) << "missing";
  EXPECT_NEAR(row_of(f, 20)[0], mean, rounding) << "never seen";
}

TEST(TreeEncoder, ListsGiveTheirFrequentTokens) {
  std::vector<std::string> cells(6, "\"wood, tile\"");
  cells.insert(cells.end(), 6, "tile");
  cells.insert(cells.end(), 6, "");
  cells.emplace_back("\"rare, wood\"");
  const Fitted f(ColumnKind::list, cells, zeros(18));
  EXPECT_EQ(f.encoder.width(), 3);
  EXPECT_EQ(row_of(f, 0), (Numbers{{0, 1}, {1, 1}}));
  EXPECT_EQ(row_of(f, 6), (Numbers{{0, 1}}));
  EXPECT_EQ(row_of(f, 12), (Numbers{{2, 1}})) << "missing";
  EXPECT_EQ(row_of(f, 18), (Numbers{{1, 1}}));
}

TEST(TreeEncoder, LeavesOutWhatIsTheSameForAll) {
  EXPECT_EQ(Fitted(ColumnKind::number, {"1", "1", "1", "2"}, zeros(3)).encoder.width(), 0);
  EXPECT_EQ(Fitted(ColumnKind::number, {"", "", ""}, zeros(3)).encoder.width(), 0);
  EXPECT_EQ(Fitted(ColumnKind::number, {"1", "", "1"}, zeros(3)).encoder.width(), 1) << "whether it is missing";
  EXPECT_EQ(Fitted(ColumnKind::date, {"2020-01-01", "2021-01-01"}, zeros(2)).encoder.width(), 3)
      << "neither month nor day of the year";
  EXPECT_EQ(Fitted(ColumnKind::category, std::vector<std::string>(9, "a"), zeros(9)).encoder.width(), 0);
  EXPECT_EQ(Fitted(ColumnKind::category, {"a", "b", "c", "a", "b", "c"}, zeros(6)).encoder.width(), 0) << "all rare";
}

TEST(TreeEncoder, TakesTheWordsOfTextsOnRequestAndNotThoseThatAreHidden) {
  const Table table =
      Table::from_text("text,target\nsold for 90,1\nsold for,2\n,3\n", {.as = {{"text", ColumnKind::text}}});
  const std::vector<double> targets = {1, 2, 3};
  const std::vector<std::int64_t> rows = {0, 1, 2};
  const auto words_of = [&](const ColumnUse& use) {
    const SparseRows sparse = TreeEncoder::fit({table, rows}, targets, use).encode({table, rows});
    EXPECT_EQ(sparse.width, TextFeatures::sets);
    return sparse.begins;
  };
  const ColumnUse without = {.without = {"target"}};
  ColumnUse hashed = without;
  hashed.hashed = {"text"};
  ColumnUse masked = hashed;
  masked.masked = {"text"};
  EXPECT_THAT(TreeEncoder::fit({table, rows}, targets, without).inputs(), IsEmpty());
  EXPECT_THAT(words_of(hashed), ElementsAre(0, 3, 5, 5));
  EXPECT_THAT(words_of(masked), ElementsAre(0, 2, 4, 4));
}

constexpr const char* tree_header = "number,level,date,tokens,words,remark\n";
const std::map<std::string, ColumnKind> tree_kinds = {{"number", ColumnKind::number}, {"level", ColumnKind::category},
                                                      {"date", ColumnKind::date},     {"tokens", ColumnKind::list},
                                                      {"words", ColumnKind::number},  {"remark", ColumnKind::text}};

std::string tree_rows(int rows, unsigned seed) {
  std::mt19937 random(seed);
  const auto below = [&](unsigned bound) { return random() % bound; };
  std::string text;
  for (int i = 0; i < rows; ++i) {
    text +=
        fmt::format("{},{},20{:02}-0{}-11,\"{}, t{}\",{},word{}\n", below(9) == 0 ? "" : std::to_string(below(1000)),
                    static_cast<char>('a' + below(4) * below(8)), below(20), 1 + below(9),
                    below(2) == 0 ? "wood" : "tile", below(30), below(3) == 0 ? "\"den, loft\"" : "2", below(30));
  }
  return text;
}

Table tree_table(const std::string& rows) { return Table::from_text(tree_header + rows, {.as = tree_kinds}); }

std::vector<double> targets_of(std::size_t rows) {
  std::vector<double> targets(rows);
  for (std::size_t i = 0; i < rows; ++i) targets[i] = std::sin(static_cast<double>(i));
  return targets;
}

TEST(TreeEncoder, LearnsNothingOfOtherRows) {
  const std::string own = tree_rows(200, 1);
  std::string absurd;
  for (int i = 0; i < 60; ++i)
    absurd += fmt::format("-1e300,new{},1066-10-14,\"x{}, wood\",\"a, b, c\",strange\n", i, i);
  const auto learned = [](const std::string& rows, std::int64_t begin) {
    return TreeEncoder::fit({tree_table(rows), rows_from(begin, 200)}, targets_of(200), {.hashed = {"remark"}})
        .to_json()
        .dump();
  };
  const std::string expected = learned(own, 0);
  EXPECT_EQ(learned(own + tree_rows(60, 2), 0), expected);
  EXPECT_EQ(learned(own + absurd, 0), expected);
  EXPECT_EQ(learned(tree_rows(60, 2) + own, 60), expected) << "levels are numbered in another order";
  EXPECT_EQ(learned(absurd + own, 60), expected);
  EXPECT_NE(learned(tree_rows(200, 3), 0), expected);
}

TEST(TreeEncoder, SurvivesItsJsonAndEncodesManyRowsAsItDoesOne) {
  const Table table = tree_table(tree_rows(1500, 1));
  const TreeEncoder encoder =
      TreeEncoder::fit({table, rows_from(0, 100)}, targets_of(100), {.without = {"words"}, .hashed = {"remark"}});
  const std::string text = encoder.to_json().dump();
  const TreeEncoder copy = TreeEncoder::from_json(json::parse(text), "a file");
  EXPECT_EQ(copy.to_json().dump(), text);
  EXPECT_EQ(copy.inputs().size(), 5U);
  const SparseRows all = copy.encode({table, rows_from(0, 1500)}), one = encoder.encode({table, rows_from(1400, 1)});
  ASSERT_EQ(all.size(), 1500);
  const auto begin = static_cast<std::ptrdiff_t>(all.begins[1400]), end = static_cast<std::ptrdiff_t>(all.begins[1401]);
  EXPECT_EQ(std::vector(all.values.begin() + begin, all.values.begin() + end), one.values);
  EXPECT_EQ(std::vector(all.places.begin() + begin, all.places.begin() + end), one.places);
}

TEST(TreeEncoder, NeedsItsColumnsAsTheyWere) {
  const Table table = tree_table(tree_rows(50, 1));
  const TreeEncoder encoder = TreeEncoder::fit({table, rows_from(0, 50)}, targets_of(50), {.without = {"words"}});
  const Table less = Table::from_text("number\n1\n", {});
  EXPECT_THAT(error_of([&] { encoder.encode({less, rows_from(0, 1)}); }).what(), HasSubstr("no column \"date\""));
  const Table other = Table::from_text(tree_header + tree_rows(50, 1), {.as = {{"number", ColumnKind::category}}});
  EXPECT_THAT(error_of([&] {
                encoder.encode({other, rows_from(0, 1)});
              }).what(),
              HasSubstr("\"number\" is of another"));
}

TEST(TreeEncoder, RefusesWhatIsNoEncoder) {
  const auto refusal = [](const std::string& text) {
    const Error error = error_of([&] { TreeEncoder::from_json(json::parse(text), "a file"); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("a file: its encoder"));
    return std::string(error.what());
  };
  refusal("[]");
  refusal(R"({"numbers":[],"means":[]})");
  EXPECT_THAT(refusal(R"({"numbers":[{"column":"c","what":"week"}],"means":[],"tokens":[],"texts":[]})"),
              HasSubstr("month"));
  EXPECT_THAT(refusal(R"({"numbers":[],"tokens":[],)"
                      R"("means":[{"column":"c","mean":0,"missing":0,"levels":["a","b"],"means":[1]}]})"),
              HasSubstr("as many means as levels"));
  EXPECT_THAT(refusal(R"({"numbers":[],"tokens":[],"texts":[],)"
                      R"("means":[{"column":"c","mean":0,"missing":0,"levels":["a"],"means":[1e60]}]})"),
              HasSubstr("a mean target is beyond 1e30"));
}

}  // namespace
}  // namespace unroll
