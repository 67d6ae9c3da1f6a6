#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "train/communicator.h"
#include "unroll/trainer.h"

namespace unroll {

/// Slices first .. first + count - 1 of a batch.
struct SliceRange {
  int first = 0;
  int count = 0;
  bool operator==(const SliceRange&) const = default;
};

/// Those that a rank works on: as many for each as for the others, or one more.
SliceRange slices_of_rank(int rank, int ranks, int slices);

/// The gradients of some batches, added up from those of their slices by a binary tree that depends on the number of
/// slices alone: to the left the largest power of two that is less than all of them. So the sum has the same bits
/// whichever rank works on which slice. Each rank adds up its share of the elements, and then all have all: each sends
/// and receives twice the gradients less its share (reduce-scatter and all-gather, with one message from each rank to
/// each other one), once for all batches.
class GradientSum {
 public:
  /// Keeps references. Throws Error for more ranks than slices.
  GradientSum(Task& task, Communicator& ranks, int slices);

  /// Makes the gradients of the parameters the sum of those of so many batches' mean losses, and returns the losses.
  LossSum of_batches(std::int64_t first, std::int64_t count);
  LossSum held_out_loss();
  /// What of_batches() asks this rank when it has done its work on them,
  void stop_where(std::function<bool()> asked) { stop_asked_ = std::move(asked); }
  /// and whether any rank said yes.
  bool stop_asked() const;
  /// Of each rank, when it had done its work.
  std::vector<Pace> paces() const;

 private:
  struct Part {
    SliceRange slices;
    std::span<float> gradients;
  };
  struct Elements {
    std::size_t first, count;
  };
  struct Batches {
    std::int64_t first, count;
  };
  /// What its rank tells of a slice.
  struct News {
    LossSum loss;
    Pace of_rank;
    bool stop = false;
  };
  Elements elements_of(int rank) const;
  void work_on(SliceRange tree, Batches batches, std::size_t depth);
  std::vector<Part> work_on_own(Batches batches);
  void exchange(std::span<const Part> own);
  std::vector<Part> own_elements_of_all(std::span<const Part> own);
  std::span<float> sum(SliceRange tree, std::span<const Part> parts) const;
  void add_to(std::span<float> sum, std::span<const float> values) const;
  SliceRange slices_of(int rank) const { return slices_of_rank(rank, ranks_.size(), slices_); }
  std::span<News> own_news() { return news_of(ranks_.rank()); }
  std::span<News> news_of(int rank);
  void tell_all();
  LossSum loss_of_all() const;

  Task& task_;
  Communicator& ranks_;
  int slices_;
  std::vector<News> news_;                    // by slice
  std::vector<std::vector<float>> left_;      // halves of a tree whose right half is worked on, by depth
  std::vector<std::vector<float>> parts_;     // what this rank could add up alone, but for the last part
  std::vector<std::vector<float>> received_;  // parts of this rank's elements, by rank
  Pace pace_;
  std::function<bool()> stop_asked_ = [] { return false; };
};

}  // namespace unroll
