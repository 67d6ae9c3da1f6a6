#include "data/target_means.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "data/number_summary.h"
#include "unroll/error.h"

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
  bool is_frequent() const { return rows >= fewest_rows; }
  double mean_drawn_to(double mean) const {
    return (sum + prior_rows * mean) / (static_cast<double>(rows) + prior_rows);
  }
};

}  // namespace

std::optional<TargetMeans> TargetMeans::fit(const Column& column, Rows rows, std::span<const double> targets) {
  const Levels& levels = column.levels();
  std::vector<TargetSum> sums(static_cast<std::size_t>(levels.size()));
  TargetSum missing;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::int32_t code = column.codes()[static_cast<std::size_t>(rows[i])];
    (code < 0 ? missing : sums[static_cast<std::size_t>(code)]).add(targets[i]);
  }
  TargetMeans f;
  f.column = column.name();
  f.mean = mean_of(targets);
  f.missing = missing.is_frequent() ? missing.mean_drawn_to(f.mean) : f.mean;
  std::int64_t most_rows = missing.rows;
  for (std::int32_t code = 0; code < levels.size(); ++code) {
    const TargetSum& sum = sums[static_cast<std::size_t>(code)];
    if (sum.is_frequent()) f.levels.emplace_back(levels[code]);
    most_rows = std::max(most_rows, sum.rows);
  }
  if (most_rows < fewest_rows || most_rows == std::ssize(rows)) return std::nullopt;
  std::ranges::sort(f.levels);  // the table numbers them in an order that depends on all its rows
  for (const std::string& level : f.levels)
    f.means.push_back(sums[static_cast<std::size_t>(levels.find(level))].mean_drawn_to(f.mean));
  return f;
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
  if (!means || means->levels.size() <= most_levels) return std::nullopt;
  std::vector<double> of_rows(rows.size());
  means->encode(column, rows, of_rows.data(), 1);
  const double deviation = standard_deviation(of_rows, mean_of(of_rows));
  if (!(deviation > 0)) return std::nullopt;
  return MeanFeature{.column = column.name(), .means = *std::move(means), .deviation = deviation};
}

void MeanFeature::encode(const Column& from, Rows rows, const FeatureScales& scales, double* to,
                         std::int64_t stride) const {
  means.encode(from, rows, to, stride);
  for (std::size_t i = 0; i < rows.size(); ++i, to += stride) *to = scales.number * (*to - means.mean) / deviation;
}

}  // namespace unroll
