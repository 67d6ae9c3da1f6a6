#pragma once

#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "unroll/corpus.h"
#include "unroll/options.h"
#include "unroll/tensor.h"

namespace unroll {

/// One batch of a corpus: `targets` are the symbols that follow `ids`.
struct Batch {
  Ids ids;                     ///< [T, B]
  Ids targets;                 ///< [T, B]
  bool carries_state = false;  ///< row b continues row b of the previous batch
};

enum class WindowKind { random, consecutive };
template <>
const EnumNames<WindowKind>& enum_names<WindowKind>();

/// Divides a corpus into batches of B windows of T symbols, as in the textbook. `random`: (length - 1) / T windows that
/// do not overlap, in a new order in each epoch. `consecutive`: B parallel streams of length / B symbols, read from
/// left to right. Symbols that do not fill a batch are dropped. The order depends only on seed and epoch.
class Windows {
 public:
  /// `batch`: B; `window`: T. Keeps a reference to `ids`. Throws Error(bad_data), with the required length, for a text
  /// too short for one batch, and Error for a batch or window below 1.
  Windows(WindowKind kind, std::span<const std::int32_t> ids, int batch, int window, std::uint64_t seed = 0);
  Windows(WindowKind, const std::vector<std::int32_t>&&, int, int, std::uint64_t = 0) = delete;  // would dangle

  std::int64_t batches() const { return batches_; }  ///< batches per epoch
  void begin_epoch(std::int64_t epoch);              ///< draws the order of random windows
  Batch batch(std::int64_t index) const;             ///< throws Error for an index outside [0, batches())
  /// Reads some rows of a batch into `batch`, whose memory is reused if the shape is the same. Throws Error for an
  /// index or rows that do not exist.
  void read(std::int64_t index, Range rows, Batch& batch) const;

  /// Iterates over the batches of the current epoch (initially epoch 1).
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
  int batch_, window_;
  std::uint64_t seed_;
  std::int64_t batches_ = 0;
  std::vector<std::uint32_t> order_;  // random: window indices
};

/// Windows of one kind: `for (const Batch& batch : ConsecutiveWindows(corpus, 32, 35))`.
struct RandomWindows : Windows {
  RandomWindows(const Corpus& corpus, int batch, int window, std::uint64_t seed = 0)
      : Windows(WindowKind::random, corpus.ids(), batch, window, seed) {}
  RandomWindows(const Corpus&&, int, int, std::uint64_t = 0) = delete;  // the corpus must outlive its windows
};
struct ConsecutiveWindows : Windows {
  ConsecutiveWindows(const Corpus& corpus, int batch, int window)
      : Windows(WindowKind::consecutive, corpus.ids(), batch, window) {}
  ConsecutiveWindows(const Corpus&&, int, int) = delete;
};

}  // namespace unroll
