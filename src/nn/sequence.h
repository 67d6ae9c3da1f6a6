#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "nn/node.h"

namespace unroll {

/// One direction of one recurrent layer over a whole sequence, as one operation. The value of its node is h with all
/// T + 1 slots.
class SequenceOperation final : public Operation {
 public:
  /// The operands, in this order. x is absent for one-hot input, c for cells other than lstm, bias_hh with
  /// Biases::one. h and c are the states [L*D, B, H] of all layers.
  enum Operand : std::size_t { x, h, c, ih, hh, bias_ih, bias_hh };

  /// `extents`: the sequence without its pointers. `slot`: index of this layer and direction in the states. `ids`: the
  /// input if x is absent.
  SequenceOperation(Context& context, const RecurrentSequence& extents, std::int64_t slot,
                    std::span<const std::int32_t> ids);

  struct Result {
    Var output;  ///< [T, B, H], in time order
    Var h, c;    ///< [1, B, H] after the last step; c for the lstm only
  };
  static Result run(std::shared_ptr<SequenceOperation> operation, std::span<const Var> operands);

  void backward(Node& result) override;

 private:
  std::int64_t rows() const { return sequence_.steps * sequence_.batch; }
  std::int64_t width() const { return gate_count(sequence_.cell) * sequence_.hidden; }
  bool is(CellType cell) const { return sequence_.cell == cell; }
  Matrix gates() { return {gates_.data(), rows(), width()}; }
  Matrix candidate() { return {candidate_.data(), rows(), sequence_.hidden}; }
  std::int64_t first_slot() const { return sequence_.previous(sequence_.time(0)); }
  std::int64_t last_slot() const { return sequence_.next(sequence_.time(sequence_.steps - 1)); }
  std::span<float> own_part(const View& state) const;

  void set_pointers(Node& result);
  void forward(Node& result);
  Var final_state(const Var& result, float* slots, std::shared_ptr<Storage>& kept) const;
  void recurrent_backward(Node& result);
  void state_weights_and_biases_backward(Node& result);
  void input_backward(Node& result);

  RecurrentSequence sequence_;
  std::int64_t slot_;
  PooledVector<std::int32_t> ids_;
  Tensor gates_, candidate_, c_;                // as in RecurrentSequence
  std::shared_ptr<Storage> final_h_, final_c_;  // of the Vars that run() returned
};

}  // namespace unroll
