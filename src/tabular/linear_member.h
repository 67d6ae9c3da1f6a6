#pragma once

#include "tabular/lasso.h"
#include "tabular/table_encoder.h"
#include "tabular/table_member.h"

namespace unroll {

/// A lasso on the features of a TableEncoder.
class LinearMember final : public TableMember {
 public:
  static std::unique_ptr<TableMember> fit(const TableSamples& samples);
  static std::unique_ptr<TableMember> read(const StoredMember& stored);

  std::span<const TableInput> inputs() const override { return encoder_.inputs(); }
  std::vector<double> predict(const TableView& rows) const override;
  nlohmann::ordered_json choices() const override;
  nlohmann::ordered_json config() const override;
  std::vector<StoredTensor> tensors() const override;

 private:
  TableEncoder encoder_;
  double intercept_ = 0;
  std::vector<float> weights_;  // divided by scale_
  double scale_ = 1;            // a power of two; 1 unless the weights are too large or too small for floats
  double penalty_ = 0;
  std::int64_t left_out_ = 0;  // number of outliers
};

}  // namespace unroll
