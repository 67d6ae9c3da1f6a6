#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "tabular/feature_groups.h"
#include "tabular/target_means.h"

namespace unroll {

/// Encodes rows of a table as rows of numbers; fitted on training rows only. A date gives its days, month, year, time
/// of day, weekday and day of the year; an unparsed cell among numbers gives its number of items.
class TableEncoder {
 public:
  TableEncoder() = default;
  /// Fits the encoder to `rows` and their targets.
  static TableEncoder fit(const TableView& rows, std::span<const double> targets, const ColumnUse& use,
                          const FeatureScales& scales = {});

  /// Columns, with their kinds, that a table must have to be encoded.
  const std::vector<TableInput>& inputs() const { return inputs_; }
  std::int64_t width() const;  ///< numbers per row

  /// [rows, width()], row-major, finite. The table may have more columns, in any order. Throws Error(bad_data) if it
  /// lacks an input or has it as another kind.
  std::vector<double> encode(const TableView& rows) const;
  /// Encodes the rows that the encoder was fitted to, given their targets: as encode(), but mean targets are those of
  /// TargetMeans::out_of_fold.
  std::vector<double> encode_training(const TableView& rows, std::span<const double> targets, std::uint64_t seed) const;

  nlohmann::ordered_json to_json() const;
  /// Throws Error(bad_data) if `json` is not an encoder; `file` names its source in messages.
  static TableEncoder from_json(const nlohmann::json& json, const std::string& file);

 private:
  using Group = std::variant<NumberFeatures, PeriodicFeatures, LevelFeatures, MeanFeature, TokenFeatures, TextFeatures>;

  FeatureScales scales_;
  std::vector<TableInput> inputs_;
  std::vector<Group> groups_;
};

}  // namespace unroll
