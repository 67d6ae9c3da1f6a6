#include "tabular/target_means.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "table/number_summary.h"
#include "unroll/error.h"
#include "unroll/table.h"

namespace unroll {
namespace {

constexpr double prior_rows = 10;

struct TargetSum {
  double sum = 0;
  std::int64_t rows = 0;

  void add(double target) {
    sum += target;
    ++rows;
  }
  bool is_frequent() const { return rows >= min_rows; }
  double shrunk_mean(double mean) const { return (sum + prior_rows * mean) / (static_cast<double>(rows) + prior_rows); }
};

/// Sums of targets, indexed by the codes of a column's levels.
struct LevelSums {
  std::vector<TargetSum> of_levels;
  TargetSum missing;

  LevelSums(const Column& column, Rows rows, std::span<const double> targets)
      : of_levels(static_cast<std::size_t>(column.levels().size())) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const std::int32_t code = column.codes()[static_cast<std::size_t>(rows[i])];
      (code < 0 ? missing : of_levels[static_cast<std::size_t>(code)]).add(targets[i]);
    }
  }
};

struct Learned {
  TargetMeans means;
  std::int64_t max_rows = 0;  // largest number of rows with one level, or with no value
};

Learned fit_means(const Column& column, Rows rows, std::span<const double> targets) {
  const Levels& levels = column.levels();
  const LevelSums sums(column, rows, targets);
  TargetMeans f;
  f.column = column.name();
  f.mean = mean_of(targets);
  f.missing = sums.missing.is_frequent() ? sums.missing.shrunk_mean(f.mean) : f.mean;
  std::int64_t max_rows = sums.missing.rows;
  for (std::int32_t code = 0; code < levels.size(); ++code) {
    const TargetSum& sum = sums.of_levels[static_cast<std::size_t>(code)];
    if (sum.is_frequent()) f.levels.emplace_back(levels[code]);
    max_rows = std::max(max_rows, sum.rows);
  }
  std::ranges::sort(f.levels);  // the order of their codes depends on all rows of the table
  for (const std::string& level : f.levels)
    f.means.push_back(sums.of_levels[static_cast<std::size_t>(levels.find(level))].shrunk_mean(f.mean));
  return {.means = std::move(f), .max_rows = max_rows};
}

}  // namespace

bool levels_differ(const Column& column, Rows rows, std::span<const double> targets) {
  constexpr double min_ratio = 1.5;
  const double mean = mean_of(targets);
  std::vector<double> squares;  // one for each level present
  const auto add = [&](const TargetSum& sum) {
    if (sum.rows == 0) return;
    const auto count = static_cast<double>(sum.rows);
    squares.push_back(count * std::pow(sum.sum / count - mean, 2));
  };
  const LevelSums sums(column, rows, targets);
  std::ranges::for_each(sums.of_levels, add);
  add(sums.missing);
  std::ranges::sort(squares);  // the order of the codes depends on all rows of the table
  const double between = std::accumulate(squares.begin(), squares.end(), 0.0);
  const std::int64_t present = std::ssize(squares);
  const std::int64_t left = std::ssize(rows) - present;
  if (present < 2 || left < 1) return false;
  const double within = std::max(0.0, static_cast<double>(rows.size()) * central_moment(targets, mean, 2) - between);
  return between / static_cast<double>(present - 1) >= min_ratio * within / static_cast<double>(left);
}

std::optional<TargetMeans> TargetMeans::fit(const Column& column, Rows rows, std::span<const double> targets) {
  Learned learned = fit_means(column, rows, targets);
  if (learned.max_rows < min_rows || learned.max_rows == std::ssize(rows)) return std::nullopt;
  return std::move(learned.means);
}

void TargetMeans::encode(const Column& from, Rows rows, double* to, std::int64_t stride) const {
  std::vector<double> mean_of_code(static_cast<std::size_t>(from.levels().size()), mean);
  for (std::size_t i = 0; i < levels.size(); ++i) {
    const std::int32_t code = from.levels().find(levels[i]);
    if (code >= 0) mean_of_code[static_cast<std::size_t>(code)] = means[i];
  }
  for (const std::int64_t row : rows) {
    const std::int32_t code = from.codes()[static_cast<std::size_t>(row)];
    *to = code < 0 ? missing : mean_of_code[static_cast<std::size_t>(code)];
    to += stride;
  }
}

std::vector<double> TargetMeans::out_of_fold(const Column& column, Rows rows, std::span<const double> targets,
                                             std::uint64_t seed) {
  constexpr int parts = 5;
  std::vector<double> encoded(rows.size());
  for (const Fold& fold : shuffled_folds(std::ssize(rows), parts, seed)) {
    const TargetMeans means = fit_means(column, take(rows, fold.training), take(targets, fold.training)).means;
    std::vector<double> of_part(fold.validation.size());
    means.encode(column, take(rows, fold.validation), of_part.data(), 1);
    for (std::size_t i = 0; i < of_part.size(); ++i) encoded[static_cast<std::size_t>(fold.validation[i])] = of_part[i];
  }
  return encoded;
}

nlohmann::ordered_json json_of(const TargetMeans& f) {
  return {{"column", f.column}, {"mean", f.mean}, {"missing", f.missing}, {"levels", f.levels}, {"means", f.means}};
}

TargetMeans target_means_from(const nlohmann::json& from) {
  TargetMeans f{.column = from.at("column"),
                .mean = from.at("mean"),
                .missing = from.at("missing"),
                .levels = from.at("levels"),
                .means = from.at("means")};
  if (f.levels.size() != f.means.size()) throw Error(ExitCode::bad_data, "a category has not as many means as levels");
  return f;
}

std::optional<MeanFeature> MeanFeature::fit(const Column& column, Rows rows, std::span<const double> targets) {
  std::optional<TargetMeans> means = TargetMeans::fit(column, rows, targets);
  if (!means || means->levels.size() <= max_levels) return std::nullopt;
  std::vector<double> of_rows(rows.size());
  means->encode(column, rows, of_rows.data(), 1);
  const double deviation = standard_deviation(of_rows, mean_of(of_rows));
  if (!(deviation > 0)) return std::nullopt;
  return MeanFeature{.column = column.name(), .means = *std::move(means), .deviation = deviation};
}

void MeanFeature::encode(const Column& from, Rows rows, const FeatureScales& scales, double* to,
                         std::int64_t stride) const {
  means.encode(from, rows, to, stride);
  for (std::size_t i = 0; i < rows.size(); ++i, to += stride) *to = standardised(*to, scales);
}

}  // namespace unroll
