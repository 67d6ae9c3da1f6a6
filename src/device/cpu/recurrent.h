#pragma once

#include <cstdint>

#include "device/device.h"

// Single-threaded passes over a whole sequence for some rows of the batch. Rows are independent, so the threads need no
// barrier in the time loop.

namespace unroll::cpu {

/// Packing of W_hh for the forward pass: panels in which the gates of the same units are adjacent, so that a tile has
/// all inputs of the non-linearities in registers.
std::int64_t gate_panel_count(CellType cell, std::int64_t hidden);
std::size_t packed_gates_size(CellType cell, std::int64_t hidden);
void pack_gates(CellType cell, std::int64_t hidden, const float* weight, float* packed, std::int64_t panel_begin,
                std::int64_t panel_end);

/// The rows and panels of a sequence that one thread computes. If T > 1 these must be all panels, because a step reads
/// what all panels of the step before wrote.
struct ForwardPart {
  std::int64_t row_begin, row_end, panel_begin, panel_end;
};
void recurrent_forward_part(const RecurrentSequence& sequence, const float* packed_gates, const ForwardPart& part);

/// Operands of the products dgates W_hh^T, over one or two ranges of W_hh's columns: the gradient of the gru's n block
/// is in `candidate`.
struct PackedTranspose {
  const float* gates;      // columns of W_hh (rnn, lstm: all; gru: r and z), transposed and packed by pack_b
  const float* candidate;  // gru: the n columns likewise
};
void recurrent_backward_rows(const RecurrentSequence& sequence, const RecurrentGradient& gradient,
                             const PackedTranspose& packed, std::int64_t row_begin, std::int64_t row_end);

}  // namespace unroll::cpu
