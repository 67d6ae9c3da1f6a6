#include "tabular/table_encoder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <random>

#include "io/error_of.h"
#include "tabular/rows.h"

namespace unroll {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr FeatureScales all_one = {.number = 1, .missing = 1, .value = 1, .level = 1, .bin = 1};

using EncoderKinds = std::map<std::string, ColumnKind>;
const EncoderKinds encoder_kinds = {{"number", ColumnKind::number},  {"few", ColumnKind::number},
                                    {"level", ColumnKind::category}, {"date", ColumnKind::date},
                                    {"tokens", ColumnKind::list},    {"text", ColumnKind::text},
                                    {"words", ColumnKind::number},   {"missing", ColumnKind::category}};
constexpr const char* encoder_header = "number,few,level,date,tokens,text,words,missing\n";

/// A row with a cell of every kind; may have missing cells, rare levels and words among numbers.
std::string row_text(std::mt19937& random) {
  const auto below = [&](unsigned bound) { return random() % bound; };
  const std::string number = below(10) == 0 ? "" : fmt::format("{}", below(100000));
  const std::string level = below(8) == 0 ? "" : std::string(1, static_cast<char>('a' + below(4) * below(8)));
  const std::string words =
      below(3) == 0 ? std::string("\"den, loft") + (below(2) == 0 ? "\"" : ", attic\"") : fmt::format("{}", below(6));
  return fmt::format("{},{},{},20{:02}-0{}-11,\"{}, t{}\",some text,{},\n", number, below(4), level, below(20),
                     1 + below(9), below(2) == 0 ? "wood" : "tile", below(30), words);
}

std::string rows_of_all_kinds(int rows, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  for (int i = 0; i < rows; ++i) text += row_text(random);
  return text;
}

/// Rows with values that do not occur in rows_of_all_kinds().
std::string absurd_rows(int rows) {
  std::string text;
  for (int i = 0; i < rows; ++i)
    text += fmt::format("-1e300,77{},new{},1066-10-14,\"x{}, wood, tile\",,\"a, b, c, d, e\",level\n", i, i, i);
  return text;
}

/// Fits an encoder to constant targets.
TableEncoder fitted_encoder(const TableView& rows, const ColumnUse& use, const FeatureScales& scales = {}) {
  return TableEncoder::fit(rows, std::vector<double>(static_cast<std::size_t>(rows.size()), 1.0), use, scales);
}

std::string encoder_text(const std::string& rows, Rows fitted) {
  const Table table = Table::from_text(encoder_header + rows, {.as = encoder_kinds});
  return fitted_encoder({table, fitted}, {}).to_json().dump();
}

TEST(TableEncoder, LearnsNothingOfOtherRows) {
  constexpr int fitted = 200, others = 60;
  const std::string own = rows_of_all_kinds(fitted, 1);
  const std::vector<std::int64_t> in_front = rows_from(0, fitted), behind = rows_from(others, fitted);
  const std::string expected = encoder_text(own, in_front);
  EXPECT_EQ(encoder_text(own + rows_of_all_kinds(others, 2), in_front), expected);
  EXPECT_EQ(encoder_text(own + rows_of_all_kinds(others, 3), in_front), expected);
  EXPECT_EQ(encoder_text(own + absurd_rows(others), in_front), expected);
  EXPECT_EQ(encoder_text(rows_of_all_kinds(others, 2) + own, behind), expected)
      << "levels are numbered in another order";
  EXPECT_EQ(encoder_text(absurd_rows(others) + own, behind), expected);
  EXPECT_NE(encoder_text(rows_of_all_kinds(fitted, 4), in_front), expected);
}

TEST(TableEncoder, SurvivesItsJson) {
  const Table table =
      Table::from_text(encoder_header + rows_of_all_kinds(100, 1) + absurd_rows(10), {.as = encoder_kinds});
  const TableEncoder encoder = fitted_encoder({table, rows_from(0, 100)}, {.without = {"few"}});
  const std::string text = encoder.to_json().dump();
  const TableEncoder copy = TableEncoder::from_json(nlohmann::json::parse(text), "a file");
  EXPECT_EQ(copy.to_json().dump(), text);
  EXPECT_EQ(copy.width(), encoder.width());
  const std::vector<double> features = copy.encode({table, all_rows(table)});
  EXPECT_EQ(features, encoder.encode({table, all_rows(table)}));
  EXPECT_EQ(features.size(), static_cast<std::size_t>(encoder.width() * table.rows()));
  for (const double feature : features) EXPECT_TRUE(std::isfinite(feature));
  for (const auto& input : encoder.inputs()) EXPECT_NE(input.name, "few");
}

/// The features, row-major, of the cells after the first `fitted`; the encoder is fitted to the first `fitted` cells.
std::vector<double> encoded(const std::vector<std::string>& cells, ColumnKind kind, std::int64_t fitted,
                            std::int64_t* width) {
  std::string csv = "c,d\n";
  for (const std::string& cell : cells) csv += cell + ",1\n";
  const Table table = Table::from_text(csv, {.as = {{"c", kind}}});
  const TableEncoder encoder = fitted_encoder({table, rows_from(0, fitted)}, {}, all_one);
  *width = encoder.width();
  return encoder.encode({table, rows_from(fitted, table.rows() - fitted)});
}

std::vector<std::string> times(int count, const std::vector<std::string>& cells) {
  std::vector<std::string> result;
  for (int i = 0; i < count; ++i) result.insert(result.end(), cells.begin(), cells.end());
  return result;
}

// With 100 rows, the tail quantiles are determined by the absurd number itself.
TEST(TableEncoder, OneAbsurdNumberAmongFewRowsSpoilsNoFeature) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<std::string> cells;
  for (int i = 0; i < 100; ++i) cells.push_back(fmt::format("{}", std::exp(7 + 0.3 * normal(random))));
  std::int64_t width = 0;
  const std::vector<double> expected = encoded(cells, ColumnKind::number, 80, &width);
  // If a number is below 0, logarithms are not used.
  for (const auto& [absurd, tolerance] : {std::pair{"1e300", 0.3}, {"1e9", 0.3}, {"-1e300", 1.0}}) {
    SCOPED_TRACE(absurd);
    std::vector<std::string> spoiled = cells;
    spoiled[40] = absurd;
    const std::vector<double> features = encoded(spoiled, ColumnKind::number, 80, &width);
    ASSERT_EQ(features.size(), expected.size());
    for (std::size_t i = 0; i < features.size(); ++i) EXPECT_NEAR(features[i], expected[i], tolerance) << i;
  }
}

TEST(TableEncoder, PoolsRareLevelsAndThoseNeverSeen) {
  std::vector<std::string> cells = times(6, {"b", "a", ""});
  for (const char* cell : {"r1", "r2", "r3", "r4", "r5"}) cells.emplace_back(cell);
  const auto fitted = static_cast<std::int64_t>(cells.size());
  for (const char* cell : {"a", "b", "", "r3", "new"}) cells.emplace_back(cell);
  std::int64_t width = 0;
  const std::vector<double> features = encoded(cells, ColumnKind::category, fitted, &width);
  ASSERT_EQ(width, 4);
  EXPECT_THAT(features, ElementsAre(1, 0, 0, 0,  //
                                    0, 1, 0, 0,  //
                                    0, 0, 1, 0,  //
                                    0, 0, 0, 1,  //
                                    0, 0, 0, 1));
}

TEST(TableEncoder, FillsNumbersWithTheMedianAndHoldsThemWithinQuantiles) {
  std::vector<std::string> cells = times(5, {"1", "3"});
  cells.emplace_back("");
  for (const char* cell : {"1", "", "-999", "999"}) cells.emplace_back(cell);
  std::int64_t width = 0;
  const std::vector<double> f = encoded(cells, ColumnKind::number, 11, &width);
  ASSERT_EQ(width, 1 + 2 + 1 + 2);  // missing; 1 and 3; the number; bins from 1 to 2 and from 2 to 3
  EXPECT_THAT(std::vector<double>(f.begin(), f.begin() + 3), ElementsAre(0, 1, 0));
  EXPECT_NEAR(f[3], -std::sqrt(1.1), 1e-12);  // (1 - 2) / sqrt(10 / 11)
  EXPECT_THAT(std::vector<double>(f.begin() + 4, f.begin() + 6), ElementsAre(0, 0));
  EXPECT_THAT(std::vector<double>(f.begin() + 6, f.begin() + 9), ElementsAre(1, 0, 0));
  EXPECT_NEAR(f[9], 0, 1e-12);
  EXPECT_THAT(std::vector<double>(f.begin() + 10, f.begin() + 12), ElementsAre(1, 0));
  EXPECT_NEAR(f[15], -std::sqrt(1.1), 1e-12);
  EXPECT_NEAR(f[21], std::sqrt(1.1), 1e-12);
  EXPECT_THAT(std::vector<double>(f.begin() + 22, f.begin() + 24), ElementsAre(1, 1));
}

TEST(TableEncoder, TakesTheLogarithmOfSkewedNumbers) {
  std::vector<std::string> cells;
  for (int i = 0; i < 100; ++i) cells.push_back(fmt::format("{}", std::expm1(0.1 * i)));
  for (const char* cell : {"0", "22025.465794806718"}) cells.emplace_back(cell);
  std::int64_t width = 0;
  const std::vector<double> f = encoded(cells, ColumnKind::number, 100, &width);
  ASSERT_EQ(width, 1 + 8);
  EXPECT_NEAR(f[0], -f[9], 1e-9) << "even after the logarithm, and held at the quantiles";
  // 0 to 9.9 in steps of 0.1 has variance 8.3325 before both ends are clipped by 0.0495.
  const double variance = 8.3325 - (4.95 * 4.95 - 4.9005 * 4.9005) / 50;
  EXPECT_NEAR(f[9], 4.9005 / std::sqrt(variance), 1e-9);
}

TEST(TableEncoder, CountsTheItemsOfWordsAmongNumbers) {
  std::vector<std::string> cells = times(10, {"2", "3", "\"den, loft\"", "\"den, loft, attic\"", "4"});
  cells.emplace_back("\"a, b, c, d\"");
  std::int64_t width = 0;
  const std::vector<double> f = encoded(cells, ColumnKind::number, 50, &width);
  // 1 missing, 3 values, 1 number, 2 bins; 1 missing, 3 values (2, 2.5 and 3 items), 1 number, 2 bins
  ASSERT_EQ(width, 14);
  EXPECT_EQ(f[0], 1);
  EXPECT_EQ(f[7], 0);
  EXPECT_EQ(f[13], 1) << "held at three items";
}

TEST(TableEncoder, SplitsDatesAndLists) {
  std::vector<std::string> cells = times(10, {"2019-01-05", "2020-02-05", "2020-03-06"});
  cells.emplace_back("2020-02-07");
  std::int64_t width = 0;
  std::vector<double> f = encoded(cells, ColumnKind::date, 30, &width);
  // days: 3 values, number, 2 bins; months: the same; years: 2 values, number; weekdays and days of the year: as days,
  // 2 sines, 2 cosines
  ASSERT_EQ(width, 6 + 6 + 3 + 2 * (6 + 4));
  EXPECT_THAT(std::vector<double>(f.begin() + 6, f.begin() + 9), ElementsAre(0, 1, 0));
  EXPECT_THAT(std::vector<double>(f.begin() + 12, f.begin() + 14), ElementsAre(0, 1));
  EXPECT_THAT(std::vector<double>(f.begin() + 15, f.begin() + 18), ElementsAre(0, 1, 0)) << "Friday of three weekdays";
  cells = times(5, {"\"b, a, b\"", "b", "", "rare"});
  cells[3] = "\"once, a\"";
  cells.emplace_back("\"new, a, once\"");
  cells.emplace_back("");
  f = encoded(cells, ColumnKind::list, 20, &width);
  ASSERT_EQ(width, 3);  // a, b, missing; "rare" is in 4 rows
  EXPECT_THAT(f, ElementsAre(1, 0, 0, 0, 0, 1));
}

TEST(TableEncoder, MakesNothingOfWhatSaysNothing) {
  std::int64_t width = 0;
  encoded(times(10, {"5", "5"}), ColumnKind::number, 15, &width);
  EXPECT_EQ(width, 0);
  encoded(times(10, {"", ""}), ColumnKind::number, 15, &width);
  EXPECT_EQ(width, 0);
  encoded(times(10, {"x", "x"}), ColumnKind::category, 15, &width);
  EXPECT_EQ(width, 0);
  encoded(times(10, {"1e308", "-1e308"}), ColumnKind::number, 15, &width);
  EXPECT_EQ(width, 2) << "values, but no deviation";
}

TEST(TableEncoder, RefusesTablesWithoutItsColumns) {
  const Table table = Table::from_text(encoder_header + rows_of_all_kinds(50, 1), {.as = encoder_kinds});
  const TableEncoder encoder = fitted_encoder({table, all_rows(table)}, {});
  const auto refusal = [&](const std::string& csv) {
    const Table other = Table::from_text(csv, {}, "test.csv");
    return std::string(error_of([&] { encoder.encode({other, all_rows(other)}); }).what());
  };
  EXPECT_THAT(refusal("level\na\n"), HasSubstr("test.csv: has no column \"number\""));
  EXPECT_THAT(refusal("number\na\n"), HasSubstr("column \"number\" is of another kind"));
}

TEST(TableEncoder, RefusesWhatIsNoEncoder) {
  const Table table = Table::from_text(encoder_header + rows_of_all_kinds(50, 1), {.as = encoder_kinds});
  const nlohmann::json good = nlohmann::json::parse(fitted_encoder({table, all_rows(table)}, {}).to_json().dump());
  const auto refusal = [](const nlohmann::json& json) {
    const Error error = error_of([&] { TableEncoder::from_json(json, "m.safetensors"); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return std::string(error.what());
  };
  EXPECT_THAT(refusal(nlohmann::json::array()), HasSubstr("m.safetensors: its encoder"));
  const auto changed = [&](const char* field, const nlohmann::json& value) {
    nlohmann::json json = good;
    json["groups"][0][field] = value;
    return refusal(json);
  };
  EXPECT_THAT(changed("deviation", 0), HasSubstr("deviation"));
  EXPECT_THAT(changed("low", 1e9), HasSubstr("low"));
  EXPECT_THAT(changed("part", "month"), HasSubstr("fit its column"));
  EXPECT_THAT(changed("part", "minute"), HasSubstr("part"));
  EXPECT_THAT(changed("column", "gone"), HasSubstr("fit its column"));
  EXPECT_THAT(changed("group", "other"), HasSubstr("group"));
  EXPECT_THAT(changed("edges", "none"), HasSubstr("encoder"));
  EXPECT_THAT(changed("edges", {-1.5e308, 1.5e308}), HasSubstr("edges are too far apart"));
  EXPECT_THAT(changed("mean", 1e300), HasSubstr("too far from its mean"));
  EXPECT_THAT(changed("deviation", 1e-300), HasSubstr("too far from its mean"));
  for (const double scale : {0.0, -1.0, 1e9}) {
    nlohmann::json json = good;
    json["scales"]["bin"] = scale;
    EXPECT_THAT(refusal(json), HasSubstr("a scale is not above 0"));
  }
}

// 300 levels with six rows each; the first 200 in alphabetical order have indicators.
TEST(TableEncoder, GivesACategoryOfManyLevelsItsMeanTarget) {
  std::string csv = "c,d\n";
  std::vector<double> targets;
  for (int i = 0; i < 1800; ++i) {
    csv += fmt::format("{:03},1\n", i % 300);
    targets.push_back(i % 300 < 250 ? 2 : 5);
  }
  csv += "never seen,1\n,1\n";
  const Table table = Table::from_text(csv, {.as = {{"c", ColumnKind::category}}});
  const std::vector<std::int64_t> learned = rows_from(0, 1800);
  const TableEncoder encoder = TableEncoder::fit({table, learned}, targets, {}, all_one);
  ASSERT_EQ(encoder.width(), 202) << "levels, pool, mean";
  const TableEncoder copy = TableEncoder::from_json(nlohmann::json::parse(encoder.to_json().dump()), "a file");
  const std::vector<double> features = copy.encode({table, all_rows(table)});
  const auto mean_of_row = [&](std::size_t row) { return features[202 * row + 201]; };
  // Shrunk towards 2.5, the mean of all rows, by ten pseudo-rows; a sixth of the rows have the higher target.
  const double low = (6 * 2 + 10 * 2.5) / 16, high = (6 * 5 + 10 * 2.5) / 16,
               deviation = (high - low) * std::sqrt(5) / 6;
  EXPECT_NEAR(mean_of_row(0), (low - 2.5) / deviation, 1e-12);
  EXPECT_NEAR(mean_of_row(299), (high - 2.5) / deviation, 1e-12);
  EXPECT_EQ(mean_of_row(1800), 0) << "never seen";
  EXPECT_EQ(mean_of_row(1801), 0) << "missing in too few rows";
  EXPECT_EQ(fitted_encoder({table, learned}, {}).width(), 201) << "where all levels have the same mean it says nothing";
}

std::vector<double> features_of(const std::string& text, bool masked) {
  const Table table = Table::from_text(fmt::format("note\n\"{}\"\n", text), {.as = {{"note", ColumnKind::text}}});
  const ColumnUse use = {.hashed = {"note"},
                         .masked = masked ? std::vector<std::string>{"note"} : std::vector<std::string>{}};
  const std::vector<std::int64_t> rows = {0};
  const TableEncoder encoder = fitted_encoder({table, rows}, use);
  const TableEncoder copy = TableEncoder::from_json(nlohmann::json::parse(encoder.to_json().dump()), "file");
  EXPECT_EQ(copy.encode({table, rows}), encoder.encode({table, rows}));
  return encoder.encode({table, rows});
}

TEST(TextFeatures, AreWordsInAnyOrderAndCase) {
  const std::vector<double> features = features_of("A garden, two pools: 3 cars", false);
  EXPECT_EQ(features.size(), 256U);
  EXPECT_EQ(std::ranges::count(features, 1), 6);
  EXPECT_EQ(features_of("two POOLS... 3 cars; a Garden garden", false), features);
  EXPECT_NE(features_of("two POOLS... 4 cars; a Garden garden", false), features);
  EXPECT_EQ(std::ranges::count(features_of("花园 花 园", false), 1), 3);
  EXPECT_EQ(std::ranges::count(features_of("", false), 0), 256);
}

TEST(TextFeatures, HideWordsWithDigitsWhereTheyAreMasked) {
  EXPECT_EQ(features_of("sold for $1,250,000 in 1999 as lot7b", true), features_of("sold for in as", false));
}

TEST(TextFeatures, AreThereOnRequestOnly) {
  const Table table = Table::from_text("note\nx\n", {.as = {{"note", ColumnKind::text}}});
  const std::vector<std::int64_t> rows = {0};
  EXPECT_EQ(fitted_encoder({table, rows}, {}).width(), 0);
}

}  // namespace
}  // namespace unroll
