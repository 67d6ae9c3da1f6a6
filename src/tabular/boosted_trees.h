#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tabular/sparse_rows.h"
#include "tabular/stop_asked.h"

namespace unroll {

/// Rows of features and their targets.
struct SparseSamples {
  SparseRows rows;
  std::vector<float> targets;  ///< one for each row, at least one; their mean should be 0
};

/// Gradient-boosted regression trees by XGBoost (Chen, Guestrin: XGBoost: A Scalable Tree Boosting System. KDD 2016).
/// Everything runs on the calling thread, so results do not depend on the number of threads; several threads may call
/// at once. Failures of XGBoost throw Error(internal).
class BoostedTrees {
 public:
  /// Fits one tree per round; the seed decides which rows and features each tree sees. `rounds` > 0. Throws
  /// TrainingStopped after the tree in which `stop_asked` returns true.
  static BoostedTrees fit(const SparseSamples& samples, std::int64_t rounds, std::uint32_t seed,
                          const StopAsked& stop_asked = {});
  /// The number of rounds on `training` with the least squared error on `validation`; 0 if no tree reduces it. Throws
  /// TrainingStopped as fit() does.
  static std::int64_t best_rounds(const SparseSamples& training, const SparseSamples& validation, std::uint32_t seed,
                                  const StopAsked& stop_asked = {});
  /// Restores trees for rows of this width from their bytes(). Throws Error(bad_data), naming `file`, for anything
  /// else.
  static BoostedTrees from_bytes(std::vector<std::uint8_t> bytes, std::int64_t width, const std::string& file);

  /// One prediction for each row.
  std::vector<float> predict(const SparseRows& rows) const;
  /// The trees in XGBoost's own format (UBJSON), which its later versions can read.
  std::span<const std::uint8_t> bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(void* booster) const;
  };

  BoostedTrees() = default;

  std::vector<std::uint8_t> bytes_;
  std::unique_ptr<void, Free> booster_;
};

/// Throws Error if XGBoost is not available in this build or on this machine.
void require_boosted_trees();

}  // namespace unroll
