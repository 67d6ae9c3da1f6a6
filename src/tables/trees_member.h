#pragma once

#include "data/tree_encoder.h"
#include "tables/boosted_trees.h"
#include "tables/table_member.h"

namespace unroll {

/// The mean of three runs of boosted trees on what a TreeEncoder makes of a row. How many trees each has is found on
/// inner splits of the rows that it learns from.
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
  double mean_ = 0;          // of the targets
  double scale_ = 1;         // how far they are from it on average; the trees learn (target - mean) / scale
  std::int64_t rounds_ = 0;  // 0: no trees, the mean for all
  std::vector<BoostedTrees> runs_;
};

}  // namespace unroll
