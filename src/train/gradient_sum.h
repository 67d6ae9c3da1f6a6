#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "unroll/communicator.h"
#include "unroll/tensor.h"
#include "unroll/trainer.h"

namespace unroll {

/// The shards of a rank; the numbers of shards of two ranks differ by at most one.
Range shards_of_rank(int rank, int ranks, int shards);

/// Sums the gradients of the shards of some batches by a binary tree that depends only on the number of shards: the
/// left subtree has the largest power of two that is less than that number. So the sum has the same bits whichever rank
/// computes which shard. The ranks exchange gradients once for all batches of a step, by reduce-scatter and all-gather
/// with direct messages between all pairs of ranks: each rank sums its share of the elements and then receives the
/// other shares. A rank whose shards form one subtree sends twice the size of the gradients less its share.
class GradientSum {
 public:
  /// Keeps references. Throws Error for more ranks than shards.
  GradientSum(Task& task, Communicator& ranks, int shards);

  /// Sets the gradients to the sum over `count` batches, from `first` on, of the gradients of their mean losses.
  /// Returns the sum of their losses.
  LossSum sum_batches(std::int64_t first, std::int64_t count);
  LossSum validation_loss();
  /// Sets a function that sum_batches() polls on this rank after computing its gradients.
  void stop_when(std::function<bool()> asked) { stop_requested_ = std::move(asked); }
  /// True if the function returned true on any rank in the last sum_batches().
  bool stop_requested() const;
  /// RankTiming of each rank, as of the end of its gradient computation in the last sum_batches().
  std::vector<RankTiming> timings() const;

 private:
  struct Part {
    Range shards;
    std::span<float> gradients;  // in the memory of the device
  };
  /// Report of a shard, sent by its rank to all ranks.
  struct ShardReport {
    LossSum loss;
    RankTiming of_rank;
    bool stop = false;
  };
  Range elements_of(int rank) const;
  void compute_tree(Range tree, Range batches, std::size_t depth);
  std::vector<Part> compute_own(Range batches);
  void reduce_parts(std::span<const Part> own);
  std::vector<Part> own_elements_of_all(std::span<const Part> own);
  std::span<float> sum(Range tree, std::span<const Part> parts) const;
  Context& context() const { return task_.parameters().context(); }
  void add_to(std::span<float> sum, std::span<const float> values) const;
  void copy_to(std::span<float> place, std::span<const float> values) const;
  std::span<float> keep(std::vector<Tensor>& places, std::size_t place, std::span<const float> values) const;
  Range shards_of(int rank) const { return shards_of_rank(rank, ranks_.size(), shards_); }
  std::span<ShardReport> own_reports() { return reports_of(ranks_.rank()); }
  std::span<ShardReport> reports_of(int rank);
  void share_reports();
  LossSum loss_of_all() const;

  Task& task_;
  Communicator& ranks_;
  int shards_;
  std::vector<ShardReport> reports_;  // one per shard
  std::vector<Tensor> left_;          // sums of left subtrees while the right ones are computed, by depth
  std::vector<Tensor> parts_;         // sums of this rank's subtrees, except the last
  std::vector<Tensor> received_;      // other ranks' sums of this rank's elements, by rank
  RankTiming timing_;
  std::function<bool()> stop_requested_ = [] { return false; };
};

}  // namespace unroll
