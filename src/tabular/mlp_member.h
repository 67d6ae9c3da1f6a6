#pragma once

#include <memory>
#include <vector>

#include "tabular/table_encoder.h"
#include "tabular/table_member.h"

namespace unroll {

/// The mean of several TableNets on the features of a TableEncoder. The nets differ in the random numbers of their
/// initial weights, row order and dropout.
class MlpMember final : public TableMember {
 public:
  /// Outliers are left out, as by the lasso. With enough rows, pilot nets are trained first, with early stopping on
  /// validation rows, to find the number of epochs.
  static std::unique_ptr<TableMember> fit(const TableSamples& samples);
  static std::unique_ptr<TableMember> read(const StoredMember& stored);

  std::span<const TableInput> inputs() const override { return encoder_.inputs(); }
  std::vector<double> predict(const TableView& rows) const override;
  nlohmann::ordered_json choices() const override;
  nlohmann::ordered_json config() const override;
  std::vector<StoredTensor> tensors() const override;

 private:
  struct Net;

  /// The inputs of the nets: features minus their mean over the training rows.
  std::vector<float> centred(std::span<const double> features) const;

  TableEncoder encoder_;
  std::vector<float> centre_;
  double mean_ = 0, deviation_ = 1;  // of the targets
  std::int64_t left_out_ = 0;        // number of outliers
  std::int64_t epochs_ = 0;
  std::vector<std::shared_ptr<Net>> nets_;
};

}  // namespace unroll
