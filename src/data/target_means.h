#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/feature_groups.h"

namespace unroll {

/// Whether the targets differ between a category's levels by more than chance: the variance between them is at least
/// 1.5 times that within them (the F of a one-way analysis of variance).
bool levels_differ(const Column& column, Rows rows, std::span<const double> targets);

/// Of a category: the mean target of the rows with its level. No value is a level too. It is drawn towards the mean of
/// all rows as if 10 more of these had the level (Micci-Barreca: A Preprocessing Scheme for High-Cardinality
/// Categorical Attributes in Classification and Prediction Problems. SIGKDD Explorations 3, 2001), and it is just that
/// where fewer than `fewest_rows` have it.
struct TargetMeans {
  std::string column;
  double mean = 0;                  ///< of all rows
  double missing = 0;               ///< of those with no value
  std::vector<std::string> levels;  ///< that have enough rows, ascending
  std::vector<double> means;        ///< one for each of them

  static std::optional<TargetMeans> fit(const Column& column, Rows rows, std::span<const double> targets);
  void encode(const Column& column, Rows rows, double* to, std::int64_t stride) const;
  /// Rows to learn from, each encoded by means of the four fifths of them that it is not in, as if it were new. The
  /// mean of a level that has few rows would tell each of them a part of its own target (Pargent, Pfisterer, Thomas,
  /// Bischl: Regularized target encoding outperforms traditional methods in supervised machine learning with high
  /// cardinality features. Computational Statistics 37, 2022). At least five rows.
  static std::vector<double> of_others(const Column& column, Rows rows, std::span<const double> targets,
                                       std::uint64_t seed);
};

nlohmann::ordered_json json_of(const TargetMeans& means);
/// Throws nlohmann::json::exception, and Error(bad_data) where there are not as many means as levels.
TargetMeans target_means_from(const nlohmann::json& from);

/// One feature of a category that has more frequent levels than get one each: the mean target of a row's level,
/// standardised. On the generated houses of California without what tells the city, and with 1,022 ZIP codes, the
/// lasso's log-RMSE was 0.216 with it and 0.291 without.
struct MeanFeature {
  std::string column;
  TargetMeans means;
  double deviation = 1;  ///< of the rows that were learned

  static std::optional<MeanFeature> fit(const Column& column, Rows rows, std::span<const double> targets);
  std::int64_t width() const { return 1; }
  void encode(const Column& column, Rows rows, const FeatureScales& scales, double* to, std::int64_t stride) const;
  double standardised(double mean_target, const FeatureScales& scales) const {
    return scales.number * (mean_target - means.mean) / deviation;
  }
};

}  // namespace unroll
