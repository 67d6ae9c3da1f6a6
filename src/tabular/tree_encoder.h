#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "tabular/feature_groups.h"
#include "tabular/sparse_rows.h"
#include "tabular/target_means.h"

namespace unroll {

/// Encodes rows of a table as numbers for trees; fitted on training rows only. Trees need no scaling, so numbers, days,
/// months and years are unchanged. Unparsed cells among numbers give their number of items, categories their mean
/// targets, lists indicators of frequent tokens, and texts indicators of hashed words.
class TreeEncoder {
 public:
  TreeEncoder() = default;
  /// Fits the encoder to `rows` and their targets.
  static TreeEncoder fit(const TableView& rows, std::span<const double> targets, const ColumnUse& use);

  /// Columns, with their kinds, that a table must have to be encoded.
  const std::vector<TableInput>& inputs() const { return inputs_; }
  std::int64_t width() const;  ///< numbers per row

  /// Missing numbers and indicators that are 0 are absent; all others are finite. The table may have more columns, in
  /// any order. Throws Error(bad_data) if it lacks an input or has it as another kind.
  SparseRows encode(const TableView& rows) const;
  /// Encodes the rows that the encoder was fitted to, given their targets: as encode(), but a category with many levels
  /// that hardly differ gets the means of TargetMeans::out_of_fold. If levels differ, trees do better when rows of one
  /// level have equal values: the log-RMSE on Ames is 0.1168, and 0.1200 with out-of-fold means for all.
  SparseRows encode_training(const TableView& rows, std::span<const double> targets, std::uint64_t seed) const;

  nlohmann::ordered_json to_json() const;
  /// Throws Error(bad_data) if `json` is not an encoder; `file` names its source in messages.
  static TreeEncoder from_json(const nlohmann::json& json, const std::string& file);

 private:
  /// An unscaled number taken from a column.
  struct RawNumber {
    std::string column;
    ColumnKind kind = ColumnKind::number;
    NumberPart part = NumberPart::value;
  };

  std::vector<double> encode_dense(const TableView& rows) const;
  void list_inputs();

  std::vector<RawNumber> numbers_;
  std::vector<TargetMeans> means_;
  std::vector<TokenFeatures> tokens_;
  std::vector<TextFeatures> texts_;
  std::vector<TableInput> inputs_;  // of all the features above
};

}  // namespace unroll
