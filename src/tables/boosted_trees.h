#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/sparse_rows.h"

namespace unroll {

/// Rows of features, each with what is to be predicted.
struct SparseSamples {
  SparseRows rows;
  std::vector<float> targets;  ///< of each row, at least one; their mean should be 0
};

/// Regression trees, each of which learns what those before it leave over, by XGBoost (Chen, Guestrin: XGBoost: A
/// Scalable Tree Boosting System. KDD 2016). All is done on the calling thread, so nothing depends on the number of
/// threads; several threads may do it at once. What XGBoost refuses to do is an Error(internal).
class BoostedTrees {
 public:
  /// One tree for each round; the seed decides which rows and which features a tree sees. `rounds` > 0.
  static BoostedTrees fit(const SparseSamples& samples, std::int64_t rounds, std::uint32_t seed);
  /// After how many rounds on `training` the squared error on `validation` is least; 0 where no tree helps.
  static std::int64_t best_rounds(const SparseSamples& training, const SparseSamples& validation, std::uint32_t seed);
  /// Of the bytes() of trees for rows of this width. Throws Error(bad_data), naming `file`, for anything else.
  static BoostedTrees from_bytes(std::vector<std::uint8_t> bytes, std::int64_t width, const std::string& file);

  /// One for each row.
  std::vector<float> predict(const SparseRows& rows) const;
  /// In XGBoost's own format (UBJSON), which later versions of it read.
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* booster) const;
  };

  BoostedTrees() = default;

  std::vector<std::uint8_t> bytes_;
  std::unique_ptr<void, Free> booster_;
};

/// Throws Error where XGBoost is not to be had: in this build, or on this machine.
void require_boosted_trees();

}  // namespace unroll
