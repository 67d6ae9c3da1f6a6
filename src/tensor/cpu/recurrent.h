#pragma once

#include <cstdint>

#include "tensor/device.h"

// A whole sequence for some rows of the batch, single-threaded: rows never meet, so the threads need no barrier in the
// time loop.

namespace unroll::cpu {

/// W_hh for the forward pass: panels in which the gates of the same units lie side by side, so that a tile holds all it
/// needs for the non-linearities in its registers.
std::int64_t gate_panel_count(Cell cell, std::int64_t hidden);
std::size_t packed_gates_size(Cell cell, std::int64_t hidden);
void pack_gates(Cell cell, std::int64_t hidden, const float* weight, float* packed, std::int64_t panel_begin,
                std::int64_t panel_end);

/// The rows and panels of a sequence that one thread computes. Over several steps that is all panels: a step reads what
/// all panels of the one before wrote.
struct ForwardPart {
  std::int64_t row_begin, row_end, panel_begin, panel_end;
};
void recurrent_forward_part(const RecurrentSequence& sequence, const float* packed_gates, const ForwardPart& part);

/// The products dgates W_hh^T run over one or two ranges of W_hh's columns: the gru's n block takes its gradient from
/// `candidate`.
struct PackedTranspose {
  const float* gates;      // (rnn, lstm: all, gru: r and z) columns of W_hh, transposed and packed by pack_b
  const float* candidate;  // gru: the n columns likewise
};
void recurrent_backward_rows(const RecurrentSequence& sequence, const RecurrentGradient& gradient,
                             const PackedTranspose& packed, std::int64_t row_begin, std::int64_t row_end);

}  // namespace unroll::cpu
