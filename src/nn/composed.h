#pragma once

#include <memory>
#include <span>

#include "nn/sequence.h"
#include "unroll/layers.h"

namespace unroll {

/// The cells of a network in the order of its layers, and in each of its directions: L*D.
using Cells = std::span<const std::shared_ptr<const Cell>>;

/// One-hot rows [T, B, symbols] for the indices [T, B].
Var one_hot_rows(Context& context, const Ids& ids, int symbols);

/// Throws Error for a zero_state() that is not one tensor [B, H] or two, the same number in all cells.
RecurrentState zero_state_of(Cells cells, int batch, int hidden);

/// A layer and direction over the whole sequence x [T, B, I], composed of steps. `slot`: its place in `cells`. Throws
/// Error if step() does not return as many tensors [B, H] as the cell began with.
SequenceOperation::Result run_composed(const Cell& cell, const Var& x, const RecurrentState& state, std::int64_t slot,
                                       bool reverse);

}  // namespace unroll
