#pragma once

#include "tensor/device.h"

namespace unroll::cpu {

/// Packs and multiplies with all threads; column_sums += the rows of b, in order, where it is not null.
void gemm(Context& context, const ConstMatrix& a, const ConstMatrix& b, const Matrix& c, Start start,
          float* column_sums = nullptr);
/// Multiplies only. The rows of A are contiguous.
void gemm_packed(Context& context, const ConstMatrix& a, const PackedMatrix& b, const Matrix& c, Start start);

/// B packed by all threads, kept while its owner lives.
Buffer packed_right(Context& context, const ConstMatrix& b);

class PackedB {
 public:
  PackedB(Context& context, const ConstMatrix& b) : buffer_(packed_right(context, b)) {}
  const float* data() const { return buffer_.data(); }

 private:
  Buffer buffer_;
};

/// How many items of so many multiply-adds each are worth waking a thread for.
std::int64_t grain(std::int64_t multiplies_per_item);

/// recurrent_forward for T = 1: without a time loop both rows and units can be divided among the threads.
void recurrent_step(Context& context, const RecurrentSequence& sequence, const float* packed_gates);

void linear_cross_entropy(Context& context, LinearCrossEntropy& problem);

}  // namespace unroll::cpu
