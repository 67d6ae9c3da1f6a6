#pragma once

#include <bit>
#include <cstdint>
#include <span>

#include "base/memory_pool.h"
#include "device/device.h"
#include "language/packed_model.h"
#include "unroll/session.h"

namespace unroll {

/// Memory for `rows` rows of `columns` floats. In powers of two, since a pool keeps the blocks of each size, and a
/// batch may come to have any number of rows.
inline Tensor memory_for_rows(Context& context, std::size_t rows, std::int64_t columns) {
  return Tensor(context, {static_cast<std::int64_t>(std::bit_ceil(rows)), columns});
}

/// Sessions of one model that take a step together. Their states are copied into matrices of a row per session, and
/// back: for B sessions that is 4 B H numbers a layer, beside products of B G H^2.
struct SessionBatch {
  using Weights = PackedModel::Weights;

  explicit SessionBatch(std::span<Session* const> all);
  Context& context() const { return context_; }
  /// Reads the last symbols of those sessions that have not read it yet.
  void read_unread() const;
  void logits(Matrix result) const;  ///< [B, V]
  void append(std::span<const std::int32_t> ids) const;

 private:
  using Sessions = std::span<Session* const>;

  void gather(Sessions sessions, float* matrices, std::int64_t distance) const;
  void scatter(const float* matrices, std::int64_t distance, Sessions sessions) const;
  void read(Sessions sessions) const;
  void read_composed(Sessions sessions) const;
  void require_texts() const;

  std::span<Session* const> sessions_;
  Context& context_;
  const Device& device_;
  const Weights& weights_;
};

}  // namespace unroll
