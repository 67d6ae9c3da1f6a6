#include <gtest/gtest.h>

#include <functional>

#include "allocations/counted.h"
#include "unroll/autograd.h"
#include "unroll/parameters.h"

namespace unroll {
namespace {

using test::allocations;

/// A step of a graph of the autograd API, with backward(), takes all memory from the pool from the second time on.
TEST(Formulas, AllocateNothingAfterTheFirstStep) {
  constexpr int batch = 6, inputs = 7, hidden = 5;
  Context context({.seed = 1, .threads = 1});
  Parameters p(context);
  const Normal normal{0, 0.5f};
  const Var W_xz = p.add("W_xz", {inputs, hidden}, normal), W_hz = p.add("W_hz", {hidden, hidden}, normal),
            b_z = p.add("b_z", {hidden}, normal);
  const Var x = p.add("x", {batch, inputs}, normal), h = p.add("h", {batch, hidden}, normal);
  const auto step = [&] {
    const Var z = sigmoid(matmul(x, W_xz) + matmul(h, W_hz) + b_z);
    const Var gated = (1.0f - z) * tanh(h) + z * h / 2.0f;
    const Var centred = (gated - mean(gated, 0)) / (1.0f + sum(z * z, 1, true));
    const Var both = stack({log_softmax(centred), transpose(softmax(transpose(centred)))}, -1);
    sum(slice(both, 0, -1, 1) * slice(both, 1, hidden, 1)).backward();
  };
  step();
  const std::int64_t before = allocations();
  step();
  step();
  EXPECT_EQ(allocations() - before, 0);
}

}  // namespace
}  // namespace unroll
