#pragma once

#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "unroll/corpus.h"
#include "unroll/tensor.h"

namespace unroll {

/// One training step's worth of a corpus: `targets` are `ids` one symbol later.
struct Batch {
  Ids ids;                     ///< [T, B]
  Ids targets;                 ///< [T, B]
  bool carries_state = false;  ///< row b goes on where row b of the batch before ended
};

/// Some rows of a batch, one behind the other.
struct BatchRows {
  int first = 0;
  int count = 0;
};

enum class WindowKind { random, consecutive };

/// The ways of cutting a corpus into batches of B windows of T symbols, as in the textbook. `random`: (length - 1) / T
/// windows that do not overlap, in a new order each epoch. `consecutive`: B parallel streams of length / B symbols,
/// read from left to right. What does not fill a batch is left out. The order is a function of seed and epoch alone.
class Windows {
 public:
  /// Keeps a reference to `ids`. Throws Error(bad_data) for a text too short for one batch, and says how long it must
  /// be; Error for a batch or steps below 1.
  Windows(WindowKind kind, std::span<const std::int32_t> ids, int batch, int steps, std::uint64_t seed = 0);

  std::int64_t batches() const { return batches_; }  ///< in one epoch
  void begin_epoch(std::int64_t epoch);              ///< draws the order of random windows
  Batch batch(std::int64_t index) const;             ///< index in [0, batches())
  /// These rows of it alone, into the memory of a batch that was read before.
  void read(std::int64_t index, BatchRows rows, Batch& batch) const;

  /// Range-for over the batches of the epoch that was begun last (at first: epoch 1).
  class Iterator {
   public:
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    Iterator(const Windows& windows, std::int64_t index) : windows_(&windows), index_(index) {}
    Batch operator*() const { return windows_->batch(index_); }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    void operator++(int) { ++index_; }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const Windows* windows_;
    std::int64_t index_;
  };
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, batches_}; }

 private:
  WindowKind kind_;
  std::span<const std::int32_t> ids_;
  int batch_, steps_;
  std::uint64_t seed_;
  std::int64_t batches_ = 0;
  std::vector<std::uint32_t> order_;  // random: window numbers
};

/// The two kinds under their own names: `for (const Batch& batch : ConsecutiveWindows(corpus, 32, 35))`.
struct RandomWindows : Windows {
  RandomWindows(const Corpus& corpus, int batch, int steps, std::uint64_t seed = 0)
      : Windows(WindowKind::random, corpus.ids(), batch, steps, seed) {}
  RandomWindows(Corpus&&, int, int, std::uint64_t = 0) = delete;  // the corpus must outlive its windows
};
struct ConsecutiveWindows : Windows {
  ConsecutiveWindows(const Corpus& corpus, int batch, int steps)
      : Windows(WindowKind::consecutive, corpus.ids(), batch, steps) {}
  ConsecutiveWindows(Corpus&&, int, int) = delete;
};

}  // namespace unroll
