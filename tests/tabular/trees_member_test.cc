#include "tabular/trees_member.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <random>

#include "io/error_of.h"
#include "tabular/rows.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::Each;
using testing::HasSubstr;

class Trees : public testing::Test {
 protected:
  void SetUp() override {
    try {
      require_member(MemberKind::trees);
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("install libxgboost"));
      GTEST_SKIP() << error.what();
    }
    testing::internal::CaptureStderr();
    testing::internal::CaptureStdout();
  }
  void TearDown() override {
    if (IsSkipped()) return;
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "") << "XGBoost is to be silent";
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  }
};

std::string pool_rows(int rows, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::string text;
  for (int i = 0; i < rows; ++i) {
    const double area = std::exp(7 + 0.3 * normal(random));
    const char zone = static_cast<char>('a' + random() % 4);
    const bool pool = random() % 3 == 0;
    const double log_price = 5 + std::log(area) + 0.2 * (zone - 'a') + (pool ? 0.3 : 0) + 0.05 * normal(random);
    text += fmt::format("{:.1f},{},\"garage{}\",20{:02}-01-31,{:.3f}\n", area, zone, pool ? ", pool" : "", i % 20,
                        log_price);
  }
  return text;
}

Table pool_table(const std::string& rows) {
  return Table::from_text("area,zone,extras,sold,target\n" + rows, {.as = {{"area", ColumnKind::number},
                                                                           {"zone", ColumnKind::category},
                                                                           {"extras", ColumnKind::list},
                                                                           {"target", ColumnKind::number}}});
}

std::unique_ptr<TableMember> fitted_trees(const Table& table, Rows rows) {
  const std::vector<double> targets = numbers_of(table.column("target"), NumberPart::value, rows);
  return fit_member(
      MemberKind::trees,
      {.rows = {table, rows}, .targets = targets, .use = {.without = {"target"}}, .seed = 1, .threads = 1});
}

TEST_F(Trees, PredictWhatTheyHaveLearned) {
  const Table table = pool_table(pool_rows(600, 1)), other = pool_table(pool_rows(300, 9));
  const auto member = fitted_trees(table, rows_from(0, 600));
  const std::vector<double> predictions = member->predict({other, rows_from(0, 300)});
  double squares = 0;
  for (std::size_t i = 0; i < 300; ++i) squares += std::pow(predictions[i] - other.column("target").numbers()[i], 2);
  EXPECT_LT(std::sqrt(squares / 300), 0.1) << "of which the noise is 0.05; without the zones it is 0.23, the pool 0.15";
  EXPECT_GT(member->choices()["rounds"], 50);
  EXPECT_EQ(member->bytes().size(), 3U);
}

TEST_F(Trees, PredictTheMeanWhereThereIsNothingToLearn) {
  const auto prediction = [](const std::string& rows, std::int64_t count) {
    const Table table = pool_table(rows);
    const auto member = fitted_trees(table, rows_from(0, count));
    EXPECT_EQ(member->choices()["rounds"], 0);
    return member->predict({table, rows_from(0, count)});
  };
  const std::string one = "100,a,pool,2001-01-01,5\n";
  EXPECT_THAT(prediction(one, 1), Each(5));
  EXPECT_THAT(prediction(one + one + one + one + one + one, 6), Each(5));
  EXPECT_THAT(prediction(one + "100,a,pool,2001-01-01,9\n", 2), Each(7)) << "no feature tells them apart";
  EXPECT_THAT(prediction(one + "200,b,,2002-01-01,5\n", 2), Each(5));
}

TEST_F(Trees, PredictAFiniteNumberForAbsurdRows) {
  std::string rows;
  for (int i = 0; i < 60; ++i)
    rows += fmt::format("{}{},{},\"a, b\",20{:02}-01-01,{}e200\n", i % 2 == 0 ? "-" : "", i % 7 == 0 ? "1e308" : "1",
                        i % 3, i % 20, i % 2);
  rows += ",\"\",,,\n1e308,new,\"c, d\",9999-12-31,0\n-1e308,0,,0001-01-01,0\n";
  const Table table = pool_table(rows);
  const auto member = fitted_trees(table, rows_from(0, 60));
  for (const double prediction : member->predict({table, rows_from(0, 63)})) EXPECT_TRUE(std::isfinite(prediction));
}

TEST_F(Trees, RefuseBytesThatAreNone) {
  const Table table = pool_table(pool_rows(100, 1));
  const auto member = fitted_trees(table, rows_from(0, 100));
  const nlohmann::json good_config = nlohmann::json::parse(member->config().dump());
  const auto refusal = [&](const nlohmann::json& config, const std::vector<std::uint8_t>& bytes) {
    std::vector<StoredBytes> stored = member->bytes();
    stored[1].values = bytes;
    const Error error =
        error_of([&] { read_member("trees", {.file = "a file", .config = config, .tensors = {}, .bytes = stored}); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("a file: "));
    return std::string(error.what());
  };
  const std::vector<StoredBytes> bytes = member->bytes();
  const std::vector<std::uint8_t> good(bytes[1].values.begin(), bytes[1].values.end());
  EXPECT_THAT(refusal(good_config, {}), HasSubstr("train them again"));
  EXPECT_THAT(refusal(good_config, {'x'}), HasSubstr("train them again"));
  EXPECT_THAT(refusal(good_config, {'{', '}'}), HasSubstr("train them again"));
  EXPECT_THAT(refusal(good_config, {'{', 'L'}), HasSubstr("train them again"));
  EXPECT_THAT(refusal(good_config, {good.begin(), good.begin() + std::ssize(good) / 2}), HasSubstr("train them again"));
  nlohmann::json narrow = good_config;
  narrow["encoder"]["numbers"] = nlohmann::json::array();
  EXPECT_THAT(refusal(narrow, good), AllOf(HasSubstr("features"), HasSubstr("train them again")));
  nlohmann::json more = good_config;
  more["runs"] = 4;
  EXPECT_THAT(refusal(more, good), HasSubstr("booster.3 of bytes is missing"));
}

}  // namespace
}  // namespace unroll
