#include "tabular/permutation_importance.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "tabular/rows.h"

namespace unroll {
namespace {

constexpr int rows = 2000, validated = 500;  // the last rows

/// y = 3 decisive + weak + a small term; noise does not affect it.
std::string text_of(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  std::string text;
  for (int i = 0; i < count; ++i) {
    const double decisive = normal(random), weak = normal(random), noise = normal(random);
    text += fmt::format("{},{},{},{}\n", decisive, weak, noise, 3 * decisive + weak + 0.1 * normal(random));
  }
  return text;
}

Table table_of_effects(const std::string& text) { return Table::from_text("decisive,weak,noise,y\n" + text); }

TableEnsemble model_of(const Table& table) {
  return TableEnsemble::fit({table, rows_from(0, rows - validated)}, {.target = "y", .id = ""},
                            {.members = {MemberKind::linear}});
}

std::vector<ColumnImportance> importance_of(const TableEnsemble& model, const Table& table, std::uint64_t seed,
                                            std::uint32_t fold) {
  const std::vector<std::int64_t> some = rows_from(rows - validated, validated);
  const auto error_of = [&](std::span<const double> predictions) {
    double squares = 0;
    for (std::size_t i = 0; i < predictions.size(); ++i)
      squares += std::pow(predictions[i] - table.column("y").numbers()[static_cast<std::size_t>(some[i])], 2);
    return std::sqrt(squares / static_cast<double>(predictions.size()));
  };
  return permutation_importance(model, {table, some}, error_of, seed, fold);
}

double increase_of(const std::vector<ColumnImportance>& importances, const std::string& column) {
  const auto found = std::ranges::find(importances, column, &ColumnImportance::column);
  return found == importances.end() ? std::nan("") : found->increase;
}

TEST(PermutationImportance, IsWhatTheErrorGrowsBy) {
  const Table table = table_of_effects(text_of(rows, 1));
  const auto importances = importance_of(model_of(table), table, 1, 0);
  // A permuted column is independent of its term of the target: both have variance 1, so their difference has 2. The
  // mean of 500 squares is within 20 % of that (three standard errors), its root within 10 %.
  EXPECT_NEAR(increase_of(importances, "decisive"), std::sqrt(9 * 2), 0.1 * std::sqrt(9 * 2));
  EXPECT_NEAR(increase_of(importances, "weak"), std::sqrt(2), 0.1 * std::sqrt(2) + 0.1);
  EXPECT_NEAR(increase_of(importances, "noise"), 0, 0.01);
}

TEST(PermutationImportance, PermutesCellsAmongTheRowsThatAreMeasured) {
  const std::string own = text_of(validated, 2);
  const Table table = table_of_effects(text_of(rows - validated, 1) + own);
  std::string absurd;
  for (int i = 0; i < rows - validated; ++i) absurd += fmt::format("{0},{0},{0},0\n", 1000 + i);
  const Table other = table_of_effects(absurd + own);
  const TableEnsemble model = model_of(table);
  const auto expected = importance_of(model, table, 1, 0), found = importance_of(model, other, 1, 0);
  ASSERT_EQ(found.size(), 3U);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(found[i].increase, expected[i].increase);
}

TEST(PermutationImportance, DependsOnSeedAndFold) {
  const Table table = table_of_effects(text_of(rows, 1));
  const TableEnsemble model = model_of(table);
  const auto of = [&](std::uint64_t seed, std::uint32_t fold) {
    return increase_of(importance_of(model, table, seed, fold), "decisive");
  };
  EXPECT_EQ(of(1, 0), of(1, 0));
  EXPECT_NE(of(1, 0), of(2, 0));
  EXPECT_NE(of(1, 0), of(1, 1));
}

}  // namespace
}  // namespace unroll
