#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tabular/table_member.h"

namespace unroll {

/// The baseline of a textbook's chapter on house prices: one linear layer on standardised numbers (missing ones
/// replaced by the mean) and level indicators of categories (missing counts as a level), trained with Adam on squared
/// errors. Zhang, Lipton, Li, Smola: Dive into Deep Learning, section on predicting house prices on Kaggle.
class TextbookMember final : public TableMember {
 public:
  static std::unique_ptr<TableMember> fit(const TableSamples& samples);
  static std::unique_ptr<TableMember> read(const StoredMember& stored);

  std::span<const TableInput> inputs() const override { return inputs_; }
  std::vector<double> predict(const TableView& rows) const override;
  nlohmann::ordered_json choices() const override { return {{"features", weights_.size()}}; }
  nlohmann::ordered_json config() const override;
  std::vector<StoredTensor> tensors() const override;

 private:
  /// The fitted encoding of one input.
  struct Scale {
    double mean = 0, deviation = 1;   ///< of a number, or of the days of a date
    std::vector<std::string> levels;  ///< of a category, ascending; each has an indicator, and so has a missing value
  };

  std::int64_t features_of(std::size_t input) const;
  std::vector<float> encode(const TableView& rows) const;  ///< [rows, features]

  std::vector<TableInput> inputs_;
  std::vector<Scale> scales_;
  std::vector<float> weights_;
  float bias_ = 0;
};

}  // namespace unroll
