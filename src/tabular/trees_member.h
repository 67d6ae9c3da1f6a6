#pragma once

#include "tabular/boosted_trees.h"
#include "tabular/table_member.h"
#include "tabular/tree_encoder.h"

namespace unroll {

/// The mean of three runs of boosted trees on the features of a TreeEncoder. The number of trees is chosen on inner
/// splits of the training rows.
class TreesMember final : public TableMember {
 public:
  static std::unique_ptr<TableMember> fit(const TableSamples& samples);
  static std::unique_ptr<TableMember> read(const StoredMember& stored);

  std::span<const TableInput> inputs() const override { return encoder_.inputs(); }
  std::vector<double> predict(const TableView& rows) const override;
  nlohmann::ordered_json choices() const override;
  nlohmann::ordered_json config() const override;
  std::vector<StoredTensor> tensors() const override { return {}; }
  std::vector<StoredBytes> bytes() const override;

 private:
  TreeEncoder encoder_;
  double mean_ = 0;          // mean target
  double scale_ = 1;         // mean absolute deviation of the targets; the trees predict (target - mean) / scale
  std::int64_t rounds_ = 0;  // trees per run; 0: predict the mean
  std::vector<BoostedTrees> runs_;
};

}  // namespace unroll
