#pragma once

#include "device/device.h"

namespace unroll::cpu {

/// C = start + A B on all threads; packs what it needs. If column_sums is not null, the rows of b are added to it, in
/// order.
void gemm(Context& context, const ConstMatrix& a, const ConstMatrix& b, const Matrix& c, Accumulate start,
          float* column_sums = nullptr);
/// C = start + A B with a packed B. The rows of A must be contiguous.
void gemm_packed(Context& context, const ConstMatrix& a, const PackedView& b, const Matrix& c, Accumulate start);

/// Packs B on all threads.
Buffer packed_right(Context& context, const ConstMatrix& b);

class PackedB {
 public:
  PackedB(Context& context, const ConstMatrix& b) : buffer_(packed_right(context, b)) {}
  const float* data() const { return buffer_.data(); }

 private:
  Buffer buffer_;
};

/// Number of items, of `multiplies_per_item` multiply-adds each, that are worth waking a thread for.
std::int64_t grain(std::int64_t multiplies_per_item);

/// recurrent_forward for T = 1: without a time loop, both rows and units can be divided among the threads.
void recurrent_step(Context& context, const RecurrentSequence& sequence, const float* packed_gates);

void linear_cross_entropy(Context& context, LinearCrossEntropy& problem);

}  // namespace unroll::cpu
