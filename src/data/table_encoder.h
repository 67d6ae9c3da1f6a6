#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "data/feature_groups.h"
#include "data/target_means.h"

namespace unroll {

/// Turns rows of a table into rows of numbers, by what it has learned of some rows and of no other. A date gives its
/// days, its month and its year; words among numbers give the count of their items.
class TableEncoder {
 public:
  TableEncoder() = default;
  /// Learns of `rows` and their targets.
  static TableEncoder fit(const TableView& rows, std::span<const double> targets, const ColumnUse& use,
                          const FeatureScales& scales = {});

  /// Columns that a table must have, as these kinds, to be encoded.
  const std::vector<TableInput>& inputs() const { return inputs_; }
  std::int64_t width() const;  ///< numbers per row

  /// [rows, width()], row-major, finite. The table may have other columns too and another order. Throws Error(bad_data)
  /// where it lacks a column or has it as another kind.
  std::vector<double> encode(const TableView& rows) const;
  /// Of the rows that it has learned of, and their targets: the same, but mean targets are TargetMeans::of_others.
  std::vector<double> encode_learned(const TableView& rows, std::span<const double> targets, std::uint64_t seed) const;

  nlohmann::ordered_json to_json() const;
  /// `file` stands for it in messages. Throws Error(bad_data) for what is no encoder.
  static TableEncoder from_json(const nlohmann::json& json, const std::string& file);

 private:
  using Group = std::variant<NumberFeatures, LevelFeatures, MeanFeature, TokenFeatures, TextFeatures>;

  FeatureScales scales_;
  std::vector<TableInput> inputs_;
  std::vector<Group> groups_;
};

}  // namespace unroll
