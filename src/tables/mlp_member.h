#pragma once

#include <memory>
#include <vector>

#include "data/table_encoder.h"
#include "tables/table_member.h"

namespace unroll {

/// The mean of several TableNets on what a TableEncoder makes of a row. They differ in the random numbers of their
/// initial weights, of the order of the rows and of dropout.
class MlpMember final : public TableMember {
 public:
  /// Outliers are left out, as the lasso leaves them out. Parts of the rows are held out from nets that only find out
  /// for how many epochs it pays to train.
  static std::unique_ptr<TableMember> fit(const TableSamples& samples);
  static std::unique_ptr<TableMember> read(const StoredMember& stored);

  std::span<const TableInput> inputs() const override { return encoder_.inputs(); }
  std::vector<double> predict(const TableView& rows) const override;
  nlohmann::ordered_json choices() const override;
  nlohmann::ordered_json config() const override;
  std::vector<StoredTensor> tensors() const override;

 private:
  struct Net;

  /// What the nets see: features with the training rows' mean taken away.
  std::vector<float> centred(std::span<const double> features) const;

  TableEncoder encoder_;
  std::vector<float> centre_;
  double mean_ = 0, deviation_ = 1;  // of the targets
  std::int64_t left_out_ = 0;        // rows that were outliers
  std::int64_t epochs_ = 0;
  std::vector<std::shared_ptr<Net>> nets_;
};

}  // namespace unroll
