#include "tabular/table_ensemble.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "io/error_of.h"
#include "io/safetensors.h"
#include "table/number_summary.h"
#include "tabular/houses.h"
#include "tabular/rows.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::HasSubstr;

namespace fs = std::filesystem;

bool lacks(MemberKind kind) {
  try {
    require_member(kind);
    return false;
  } catch (const Error&) {
    return true;
  }
}

class TableEnsembleTest : public testing::TestWithParam<MemberKind> {
 protected:
  void SetUp() override {
    if (lacks(GetParam())) GTEST_SKIP() << "XGBoost is not there";
    folder_ =
        fs::path(testing::TempDir()) / fmt::format("table_model_{}", testing::UnitTest::GetInstance()->random_seed());
    folder_ /= testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string path() const { return (folder_ / "model.safetensors").string(); }
  std::string saved_bytes(const TableEnsemble& model) const {
    model.save(path());
    std::ifstream file(path(), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// The message of load() for a file of these bytes.
  std::string refusal(const std::string& bytes) const {
    std::ofstream(path(), std::ios::binary) << bytes;
    const Error error = error_of([&] { TableEnsemble::load(path()); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr(path()));
    return error.what();
  }

  fs::path folder_;
};

const TableTarget task = {.target = "price", .id = "Id", .logarithm = true};

Table table_of_houses(const std::string& rows) {
  return Table::from_text(houses_header + rows, {.as = {{"Id", ColumnKind::category}, {"area", ColumnKind::number}}});
}

TableEnsemble fitted_ensemble(MemberKind kind, const Table& table, Rows rows, std::vector<std::string> without,
                              int threads = 1) {
  const TableTarget learned = {.target = "price", .id = "Id", .logarithm = kind != MemberKind::textbook};
  return TableEnsemble::fit({table, rows}, learned,
                            {.members = {kind}, .without = std::move(without), .seed = 3, .threads = threads});
}

TEST_P(TableEnsembleTest, LearnsNothingOfOtherRows) {
  const std::string own = house_rows(180, 1), others = house_rows(30, 2);
  std::string absurd;
  for (int i = 0; i < 30; ++i) absurd += fmt::format("{0},{0}e200,zone{0},1e-9\n", i);
  const auto bytes = [&](const std::string& rows, std::int64_t begin) {
    return saved_bytes(fitted_ensemble(GetParam(), table_of_houses(rows), rows_from(begin, 180), {}));
  };
  const std::string expected = bytes(own, 0);
  EXPECT_EQ(bytes(own + others, 0), expected);
  EXPECT_EQ(bytes(own + absurd, 0), expected);
  EXPECT_EQ(bytes(others + own, 30), expected);
  EXPECT_EQ(bytes(absurd + own, 30), expected);
  EXPECT_NE(bytes(own, 0), bytes(own + others, 30));
}

TEST_P(TableEnsembleTest, IsTheSameOnAnyNumberOfThreads) {
  const Table table = table_of_houses(house_rows(200, 1));
  const auto bytes = [&](int threads) {
    return saved_bytes(fitted_ensemble(GetParam(), table, rows_from(0, 200), {}, threads));
  };
  const std::string expected = bytes(1);
  EXPECT_EQ(bytes(2), expected);
  EXPECT_EQ(bytes(5), expected);
}

TEST_P(TableEnsembleTest, PredictsWhatItHasLearned) {
  // The logarithms of the prices have standard deviation 0.33, their noise 0.05.
  const double enough = GetParam() == MemberKind::linear ? 0.07 : 0.1;
  const Table table = table_of_houses(house_rows(400, 1)), other = table_of_houses(house_rows(100, 9));
  const TableEnsemble model = fitted_ensemble(GetParam(), table, rows_from(0, 400), {});
  const std::vector<double> predictions = model.predict({other, rows_from(0, 100)});
  double squares = 0;
  for (std::size_t i = 0; i < 100; ++i)
    squares += std::pow(std::log(predictions[i] / other.column("price").numbers()[i]), 2);
  EXPECT_LT(std::sqrt(squares / 100), enough);
}

TEST_P(TableEnsembleTest, SurvivesItsFile) {
  const Table table = table_of_houses(house_rows(100, 1));
  const TableEnsemble model = fitted_ensemble(GetParam(), table, rows_from(0, 100), {"zone"});
  model.save(path());
  const TableEnsemble loaded = TableEnsemble::load(path());
  EXPECT_EQ(loaded.task().target, "price");
  EXPECT_EQ(loaded.task().id, "Id");
  EXPECT_EQ(loaded.inputs().size(), 1U);
  EXPECT_EQ(loaded.choices(), model.choices());
  EXPECT_EQ(loaded.predict({table, rows_from(0, 100)}), model.predict({table, rows_from(0, 100)}));
}

/// From the largest targets that are allowed down to tiny ones, the predictions are those of ordinary targets, scaled.
TEST_P(TableEnsembleTest, PredictsTargetsOfAnySize) {
  const auto predictions = [&](int exponent) {
    std::string rows = "a,b,y\n";
    for (int i = 0; i < 80; ++i)
      rows += fmt::format("{},{},{}e{}\n", "pqr"[i % 3], i * 37 % 41, 20 + i * 37 % 41 + i % 3, exponent);
    const Table table = Table::from_text(rows, {.as = {{"y", ColumnKind::number}}});
    const std::vector<std::int64_t> all = rows_from(0, 80);
    const TableEnsemble model =
        TableEnsemble::fit({table, all}, {.target = "y", .id = ""}, {.members = {GetParam()}, .seed = 3, .threads = 1});
    model.save(path());
    return TableEnsemble::load(path()).predict({table, all});
  };
  const bool textbook = GetParam() == MemberKind::textbook;
  const std::vector<double> ordinary = predictions(0);
  for (const int exponent : textbook ? std::vector{16} : std::vector{98, 50, -60}) {
    const std::vector<double> scaled = predictions(exponent);
    for (std::size_t i = 0; i < scaled.size(); ++i) {
      ASSERT_TRUE(std::isfinite(scaled[i])) << exponent;
      if (textbook) continue;
      ASSERT_NEAR(scaled[i] / std::pow(10, exponent), ordinary[i], 0.05 * ordinary[i]) << exponent;
    }
  }
}

TEST_P(TableEnsembleTest, WithoutFeaturesPredictsTheSameForAll) {
  const Table table = table_of_houses(house_rows(60, 1));
  const TableEnsemble model = fitted_ensemble(GetParam(), table, rows_from(0, 60), {"zone", "area"});
  model.save(path());
  const std::vector<double> predictions = TableEnsemble::load(path()).predict({table, rows_from(0, 60)});
  EXPECT_THAT(predictions, testing::Each(predictions.front()));
  EXPECT_GT(predictions.front(), 0);
}

INSTANTIATE_TEST_SUITE_P(Kinds, TableEnsembleTest,
                         testing::Values(MemberKind::linear, MemberKind::mlp, MemberKind::trees, MemberKind::textbook),
                         [](const auto& test) { return std::string(name_of(test.param)); });

/// Prices in multiples of `step`, and remarks that reveal the price in every third row.
Table with_remarks(const std::string& price_of_last, ColumnKind kind, int step) {
  std::mt19937 random(4);
  std::string text = "area,remark,price\n";
  for (int i = 0; i < 300; ++i) {
    const int area = 50 + static_cast<int>(random() % 100),
              price = (1000 * area + static_cast<int>(random() % 80'000)) / step * step;
    const std::string told = i == 299 ? price_of_last : i % 3 == 0 ? fmt::format("sold for ${}", price) : "not sold";
    text += fmt::format("{},\"{} and a garden\",{}\n", area, told, price);
  }
  return Table::from_text(text, {.as = {{"remark", kind}}});
}

class TableEnsembleLeaks : public testing::TestWithParam<MemberKind> {
 protected:
  void SetUp() override {
    if (lacks(GetParam())) GTEST_SKIP() << "XGBoost is not there";
  }
};

TEST_P(TableEnsembleLeaks, ATextLosesItsNumbers) {
  const std::vector<std::int64_t> training = rows_from(0, 299), last = {299};
  const auto prediction = [&](const Table& table, const EnsembleOptions& learning) {
    return TableEnsemble::fit({table, training}, {.target = "price", .id = "", .logarithm = true}, learning)
        .predict({table, last})
        .front();
  };
  const EnsembleOptions masked = {.members = {GetParam()}, .hashed = {"remark"}};
  EnsembleOptions kept = masked;
  kept.keep_leaks = true;
  const Table one = with_remarks("sold for $90000", ColumnKind::text, 10'000),
              other = with_remarks("sold for $170000", ColumnKind::text, 10'000),
              silent = with_remarks("not sold", ColumnKind::text, 10'000);
  EXPECT_EQ(prediction(one, masked), prediction(other, masked));
  EXPECT_NE(prediction(one, kept), prediction(other, kept));
  EXPECT_NE(prediction(one, masked), prediction(silent, masked)) << "its other words count";
}

TEST_P(TableEnsembleLeaks, CategoriesAndListsAreLeftOut) {
  for (const ColumnKind kind : {ColumnKind::category, ColumnKind::list}) {
    const Table table = with_remarks("not sold", kind, 1);
    const std::vector<std::int64_t> rows = rows_from(0, 300);
    const auto inputs = [&](bool keep_leaks) {
      const EnsembleOptions learning = {.members = {GetParam()}, .keep_leaks = keep_leaks};
      return TableEnsemble::fit({table, rows}, {.target = "price", .id = "", .logarithm = true}, learning)
          .inputs()
          .size();
    };
    EXPECT_EQ(inputs(false), 1U);
    EXPECT_EQ(inputs(true), 2U);
  }
}

TEST_P(TableEnsembleLeaks, NoiseOfManyLevelsIsNotLearned) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  std::string text = "area,noise1,noise2,noise3,price\n";
  std::vector<double> expected;
  for (int i = 0; i < 4200; ++i) {
    expected.push_back(normal(random));
    const auto level = [&] { return random() % 210; };
    text += fmt::format("{:.4f},a{},b{},c{},{:.4f}\n", expected.back(), level(), level(), level(),
                        expected.back() + normal(random));
  }
  const Table table = Table::from_text(text);
  const std::vector<std::int64_t> rows = rows_from(0, 2100), others = rows_from(2100, 2100);
  const EnsembleOptions learning = {.members = {GetParam()}, .seed = 1};
  std::vector<double> errors =
      TableEnsemble::fit({table, rows}, {.target = "price", .id = "", .logarithm = false}, learning)
          .predict({table, others});
  for (std::size_t i = 0; i < errors.size(); ++i) errors[i] -= expected[2100 + i];
  EXPECT_LT(standard_deviation(errors, 0), 0.25) << "0.35 and 0.44 with means that a row is a part of";
}

INSTANTIATE_TEST_SUITE_P(Kinds, TableEnsembleLeaks, testing::Values(MemberKind::linear, MemberKind::trees),
                         [](const auto& test) { return std::string(name_of(test.param)); });

TEST(TableEnsembleMembers, PredictTheirMean) {
  const Table table = table_of_houses(house_rows(200, 1));
  const std::vector<std::int64_t> rows = rows_from(0, 200);
  const auto predictions = [&](std::vector<MemberKind> members) {
    const EnsembleOptions learning = {.members = std::move(members), .seed = 3, .threads = 1};
    return TableEnsemble::fit({table, rows}, task, learning).predict({table, rows});
  };
  std::vector<MemberKind> kinds = {MemberKind::linear, MemberKind::mlp};
  if (!lacks(MemberKind::trees)) kinds.push_back(MemberKind::trees);
  std::vector<double> means(rows.size(), 0.0);
  for (const MemberKind kind : kinds) {
    const std::vector<double> alone = predictions({kind});
    for (std::size_t i = 0; i < rows.size(); ++i) means[i] += std::log(alone[i]) / static_cast<double>(kinds.size());
  }
  const std::vector<double> together = predictions(kinds);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_NEAR(std::log(together[i]), means[i], 1e-12);
}

/// The writer refuses what the reader would refuse.
TEST(TableEnsembleFile, WithNumbersThatAreNotFiniteIsNotWritten) {
  std::string rows = "a,y\n";
  for (int i = 0; i < 20; ++i) rows += fmt::format("{0},{0}e300\n", i);  // more than any caller may give
  const Table table = Table::from_text(rows);
  const std::vector<std::int64_t> all = rows_from(0, 20);
  const TableEnsemble model =
      TableEnsemble::fit({table, all}, {.target = "y", .id = ""}, {.members = {MemberKind::mlp}});
  const std::string path = (fs::path(testing::TempDir()) / "not_finite.safetensors").string();
  const Error error = error_of([&] { model.save(path); });
  EXPECT_EQ(error.code(), ExitCode::diverged);
  EXPECT_THAT(error.what(), HasSubstr("not written, because config.members.mlp.deviation is not finite"));
  EXPECT_FALSE(fs::exists(path));
}

/// An older reader, which ignores fields that it does not know, must not predict wrong.
TEST(TableEnsembleFile, HasANewerVersionOnlyWithFieldsThatChangePredictions) {
  const std::string path = (fs::path(testing::TempDir()) / "versions.safetensors").string();
  const auto saved = [&](const std::string& first_rows, const std::string& exponent, const TableOptions& options = {}) {
    std::string rows = "when,a,y\n" + first_rows;
    for (int i = 0; i < 40; ++i)
      rows += fmt::format("2024-01-{:02},{},{}e{}\n", 1 + i % 28, i * 37 % 41, 20 + i * 37 % 41, exponent);
    const Table table = Table::from_text(rows, options);
    const EnsembleOptions learning = {.members = {MemberKind::linear}, .threads = 1};
    TableEnsemble::fit({table, rows_from(0, table.rows())}, {.target = "y", .id = ""}, learning).save(path);
    return SafetensorsFile::read(path);
  };
  const auto version = [](const SafetensorsFile& file) { return file.metadata().at("format_version"); };
  EXPECT_EQ(version(saved("", "3")), "1");
  EXPECT_EQ(version(saved("day,m,EUR\n", "3")), "2") << "unit_line";
  EXPECT_EQ(version(saved("2024-01-01,-9,50e3\n", "3", {.missing_values = {"-9"}})), "2");
  EXPECT_EQ(version(saved("2024-01-01,5+,50e3\n", "3", {.forms = {{"a", "1,234.5"}}})), "2");
  SafetensorsFile file = saved("", "60");
  EXPECT_EQ(version(file), "2") << "scale of linear";
  auto metadata = file.metadata();
  metadata["format_version"] = "1";  // as development versions wrote it
  const double expected =
      TableEnsemble::load(path).predict({Table::from_text("when,a\n2024-01-01,7\n"), rows_from(0, 1)})[0];
  std::ofstream(path, std::ios::binary) << safetensors_bytes(metadata, file.tensors(), file.bytes());
  EXPECT_EQ(TableEnsemble::load(path).predict({Table::from_text("when,a\n2024-01-01,7\n"), rows_from(0, 1)})[0],
            expected);
}

TEST_P(TableEnsembleTest, RefusesWhatIsNoModelOrDamaged) {
  const Table table = table_of_houses(house_rows(60, 1));
  const std::string good = saved_bytes(fitted_ensemble(GetParam(), table, rows_from(0, 60), {}));
  for (std::size_t place = 0; place < good.size(); place += 97 + good.size() / 1000) {
    std::string bad = good;
    bad[place] = static_cast<char>(bad[place] ^ 1);
    refusal(bad);
  }
  const SafetensorsFile file = SafetensorsFile::parse(good, "good");
  const auto with = [&](const std::string& key, const std::string& value) {
    auto metadata = file.metadata();
    metadata[key] = value;
    return refusal(safetensors_bytes(metadata, file.tensors(), file.bytes()));
  };
  EXPECT_THAT(with("format", "unroll.language_model"), HasSubstr("unroll table train"));
  EXPECT_THAT(with("format_version", "3"), AllOf(HasSubstr("is \"3\""), HasSubstr("newer")));
  EXPECT_THAT(with("config", "{}"), HasSubstr("config"));
  const std::string config = file.metadata().at("config");
  const auto renamed = std::regex_replace(config, std::regex(name_of(GetParam())), "oracle");
  EXPECT_THAT(with("config", renamed), HasSubstr("\"oracle\""));
  EXPECT_THAT(refusal(safetensors_bytes(file.metadata(), {})), HasSubstr("is missing"));
}

struct ConfigChange {
  const char* place;  ///< keys from the member's config on, with slashes between
  nlohmann::json value;
  const char* reason;
};

std::vector<ConfigChange> bad_changes(MemberKind kind) {
  switch (kind) {
    case MemberKind::linear:
      return {{"intercept", 1e308, "intercept is beyond"},
              {"scale", 0, "scale is not above 0"},
              {"left_out", -1, "left_out is not a whole number"}};
    case MemberKind::mlp:
      return {{"nets", 0, "features without nets"},
              {"nets", 1e308, "nets is not a whole number"},
              {"nets", 4.9, "nets is not a whole number"},
              {"nets", 3, "nets is less than there are"},
              {"nets", 5, "is missing"},
              {"mean", -1e308, "mean is beyond"},
              {"deviation", 1e308, "deviation is beyond"},
              {"deviation", 0, "deviation is not above 0"},
              {"deviation", -1, "deviation is not above 0"}};
    case MemberKind::trees:
      return {{"runs", 0, "only one of runs and rounds is 0"},
              {"runs", 3.5, "runs is not a whole number"},
              {"runs", 1e308, "runs is not a whole number"},
              {"runs", 2, "runs is less than there are"},
              {"rounds", -1, "rounds is not a whole number"},
              {"mean", 1e308, "mean is beyond"},
              {"scale", 1e308, "scale is beyond"},
              {"scale", 0, "scale is not above 0"},
              {"scale", -1, "scale is not above 0"}};
    case MemberKind::textbook:
      return {{"bias", 1e308, "the bias is beyond"},
              {"columns/0/kind", "list", "none of number, date and category"},
              {"columns/0/kind", "text", "none of number, date and category"},
              {"columns/0/kind", "oracle", "none of number, date and category"},
              {"columns/0/deviation", 0, "a deviation is not above 0"},
              {"columns/0/deviation", -1, "a deviation is not above 0"},
              {"columns/1/levels", {"b", "a", "c", "d"}, "levels do not ascend"},
              {"columns/1/levels", {"a", "a", "b", "c"}, "levels do not ascend"}};
  }
  return {};
}

TEST_P(TableEnsembleTest, RefusesNumbersThatNoTrainingGives) {
  const Table table = table_of_houses(house_rows(60, 1));
  const SafetensorsFile file =
      SafetensorsFile::parse(saved_bytes(fitted_ensemble(GetParam(), table, rows_from(0, 60), {})), "good");
  const auto changed = [&](const std::string& place, const nlohmann::json& value) {
    auto metadata = file.metadata();
    nlohmann::json config = nlohmann::json::parse(metadata.at("config"));
    config[nlohmann::json::json_pointer("/" + place)] = value;
    metadata["config"] = config.dump();
    return refusal(safetensors_bytes(metadata, file.tensors(), file.bytes()));
  };
  EXPECT_THAT(changed("low", -1e308), HasSubstr("a target beyond 1e+120"));
  EXPECT_THAT(changed("high", 1e308), HasSubstr("a target beyond 1e+120"));
  for (const ConfigChange& change : bad_changes(GetParam())) {
    EXPECT_THAT(changed(fmt::format("members/{}/{}", name_of(GetParam()), change.place), change.value),
                HasSubstr(change.reason))
        << change.place << " " << change.value;
  }
}

}  // namespace
}  // namespace unroll
