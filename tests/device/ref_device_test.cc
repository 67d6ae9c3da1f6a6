// Tests that the reference device passes its arguments on correctly: every primitive once, against plain loops in
// double.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "device/device.h"
#include "support/bounds.h"
#include "support/random_data.h"
#include "support/recurrent_problem.h"

namespace unroll::test {
namespace {

using Vector = std::vector<float>;

class ReferenceDeviceTest : public testing::Test {
 protected:
  Context context_{{.device = DeviceKind::reference}};
  const Device& device_ = reference_device();
  RandomData data_{71};

  Vector random(std::int64_t count) { return data_.uniform<float>(count); }
};

TEST_F(ReferenceDeviceTest, IsOneAndHasItsName) {
  EXPECT_STREQ(device_.name(), "reference");
  EXPECT_EQ(&device_, &reference_device());
  EXPECT_EQ(&device_, &device_of(context_));
}

TEST_F(ReferenceDeviceTest, FillScaleAxpyMultiplyAdd) {
  Vector y(3);
  device_.fill(context_, y, 2);
  EXPECT_EQ(y, (Vector{2, 2, 2}));
  const Vector x = {1, -2, 3}, b = {4, 5, -6};
  device_.axpy(context_, 3, x, y);
  EXPECT_EQ(y, (Vector{5, -4, 11}));
  device_.scale(context_, -2, y);
  EXPECT_EQ(y, (Vector{-10, 8, -22}));
  device_.multiply_add(context_, x, b, y);
  EXPECT_EQ(y, (Vector{-6, -2, -40}));
}

TEST_F(ReferenceDeviceTest, CopyTransposesAndKeepsToItsColumns) {
  const Vector x = {1, 2, 3, 4, 5, 6};
  Vector y(12, -1);
  device_.copy(context_, ConstMatrix(x.data(), 2, 3).transposed(), Matrix(y.data() + 1, 3, 2, 4));
  EXPECT_EQ(y, (Vector{-1, 1, 4, -1, -1, 2, 5, -1, -1, 3, 6, -1}));
}

TEST_F(ReferenceDeviceTest, UnaryAndItsDerivativeIsAdded) {
  const Vector x = {-0.5f, 0.25f, 2}, dy = {1, 2, -3};
  Vector y(3), dx = {10, 20, 30};
  device_.unary(context_, Unary::tanh, x, y);
  device_.unary_backward(context_, Unary::tanh, x, y, dy, dx);
  for (std::size_t i = 0; i < 3; ++i) {
    const double expected = std::tanh(static_cast<double>(x[i]));
    EXPECT_FLOAT_EQ(y[i], static_cast<float>(expected));
    EXPECT_FLOAT_EQ(dx[i], static_cast<float>(10 * static_cast<double>(i + 1) + dy[i] * (1 - expected * expected)));
  }
  const Vector positive = {0.5f, 2, 4};
  Vector logs(3), d_logs(3, 0.0f);
  device_.unary(context_, Unary::log, positive, logs);
  device_.unary_backward(context_, Unary::log, positive, logs, dy, d_logs);
  EXPECT_EQ(d_logs, (Vector{2, 1, -0.75f})) << "needs x, not y";
}

TEST_F(ReferenceDeviceTest, BinaryKeepsTheOrderOfItsOperands) {
  const Vector a = {5, 6}, b = {2, 9};
  Vector y(2);
  device_.binary(context_, Binary::subtract, a, b, y);
  EXPECT_EQ(y, (Vector{3, -3}));
  device_.binary(context_, Binary::add, a, b, y);
  EXPECT_EQ(y, (Vector{7, 15}));
  device_.binary(context_, Binary::multiply, a, b, y);
  EXPECT_EQ(y, (Vector{10, 54}));
  device_.binary(context_, Binary::divide, a, b, y);
  EXPECT_EQ(y, (Vector{2.5f, 6.0f / 9.0f}));
}

TEST_F(ReferenceDeviceTest, RowsAndColumnSums) {
  const Vector x = {1, 2, 0, 3, 4, 0}, row = {10, 20};
  const ConstMatrix strided(x.data(), 2, 2, 3);
  Vector y(4), sums = {100, 200};
  device_.add_row(context_, strided, row.data(), Matrix(y.data(), 2, 2));
  EXPECT_EQ(y, (Vector{11, 22, 13, 24}));
  device_.add_column_sums(context_, strided, sums.data());
  EXPECT_EQ(sums, (Vector{104, 206}));
  device_.add_column_sums(context_, strided.transposed(), sums.data());
  EXPECT_EQ(sums, (Vector{107, 213}));
}

TEST_F(ReferenceDeviceTest, SumsAreKeptInDouble) {
  const Vector x = {1e8f, 1, -1e8f, 1e-3f};
  EXPECT_EQ(device_.sum(context_, x), 1 + static_cast<double>(1e-3f));
  const Vector large = {1e30f, 0};
  EXPECT_EQ(device_.sum_of_squares(context_, large), static_cast<double>(1e30f) * static_cast<double>(1e30f));
  EXPECT_EQ(device_.sum(context_, {}), 0);
}

TEST_F(ReferenceDeviceTest, GemmOnStridedOperandsFromEveryStart) {
  BoundReport report("gemm of the reference device");
  const std::int64_t m = 3, k = 5, n = 4;
  const Vector a = random(k * 7), b = random(k * 6), bias = random(n), before = random(m * 9);
  const ConstMatrix left = ConstMatrix(a.data(), k, m, 7).transposed(), right(b.data() + 1, k, n, 6);
  for (const Accumulate& start : {Accumulate::onto_zero(), Accumulate::onto_c(), Accumulate::onto_bias(bias.data()),
                                  Accumulate::onto_bias(nullptr)}) {
    Vector c = before;
    device_.gemm(context_, left, right, Matrix(c.data() + 2, m, n, 9), start);
    for (std::int64_t i = 0; i < m * 9; ++i) {
      const std::int64_t r = i / 9, column = i % 9 - 2;
      const auto at = static_cast<std::size_t>(i);
      if (column < 0 || column >= n) {
        EXPECT_EQ(c[at], before[at]) << "outside of C";
        continue;
      }
      double expected = start.kind == Accumulate::overwrite ? 0
                        : start.kind == Accumulate::add     ? before[at]
                                                            : bias[static_cast<std::size_t>(column)];
      double magnitude = std::abs(expected);
      for (std::int64_t l = 0; l < k; ++l) {
        const double term = static_cast<double>(left.at(r, l)) * static_cast<double>(right.at(l, column));
        expected += term;
        magnitude += std::abs(term);
      }
      report.add(c[at], expected, dot_bound(k, magnitude), "c", at);
    }
  }
}

TEST_F(ReferenceDeviceTest, GatherAndScatter) {
  const Vector table = {1, 2, 9, 3, 4, 9, 5, 6, 9}, bias = {10, 20};
  const std::vector<std::int32_t> ids = {2, 0, 2};
  Vector y(6), dtable(6, 1);
  device_.gather_rows(context_, ConstMatrix(table.data(), 3, 2, 3), ids, bias.data(), Matrix(y.data(), 3, 2));
  EXPECT_EQ(y, (Vector{15, 26, 11, 22, 15, 26}));
  device_.gather_rows(context_, ConstMatrix(table.data(), 3, 2, 3), ids, nullptr, Matrix(y.data(), 3, 2));
  EXPECT_EQ(y, (Vector{5, 6, 1, 2, 5, 6}));
  device_.scatter_add_rows(context_, ids, ConstMatrix(y.data(), 3, 2), Matrix(dtable.data(), 3, 2));
  EXPECT_EQ(dtable, (Vector{2, 3, 1, 1, 11, 13}));
}

TEST_F(ReferenceDeviceTest, DropoutTakesItsMaskFromTheElementsNumber) {
  const Random mask(3, RandomStream::dropout, 1, 4);
  const Vector x = random(50);
  Vector whole(50), pieces(50, 1);
  device_.dropout(context_, mask, 1000, 0.4f, x, whole, false);
  const std::span<const float> all(x);
  const std::span<float> out(pieces);
  device_.dropout(context_, mask, 1000, 0.4f, all.first(13), out.first(13), true);
  device_.dropout(context_, mask, 1013, 0.4f, all.subspan(13), out.subspan(13), true);
  for (std::size_t i = 0; i < 50; ++i) {
    const bool kept = mask.uniform(1000 + i) >= 0.4f;
    EXPECT_FLOAT_EQ(whole[i], kept ? x[i] / 0.6f : 0) << i;
    EXPECT_EQ(pieces[i], 1 + whole[i]) << i;
  }
}

TEST_F(ReferenceDeviceTest, CrossEntropyRowByRow) {
  const Vector logits = {0, std::log(3.0f), 99, 5, 5, 99};
  const std::vector<std::int32_t> targets = {1, 0};
  Vector loss(2), d(4);
  device_.cross_entropy(context_, ConstMatrix(logits.data(), 2, 2, 3), targets, loss, Matrix(d.data(), 2, 2));
  EXPECT_FLOAT_EQ(loss[0], std::log(4.0f / 3));
  EXPECT_FLOAT_EQ(loss[1], std::log(2.0f));
  EXPECT_FLOAT_EQ(d[0], 0.25f);
  EXPECT_FLOAT_EQ(d[1], -0.25f);
  EXPECT_FLOAT_EQ(d[2], -0.5f);
  EXPECT_FLOAT_EQ(d[3], 0.5f);
}

TEST_F(ReferenceDeviceTest, SoftmaxOfEachRowAndItsGradient) {
  const Vector x = {0, std::log(3.0f), 5, 5}, dy = {1, 0, 0, 2};
  Vector y(4), logs(4), dx = {1, 1, 1, 1}, d_logs = {1, 1, 1, 1};
  const auto matrix = [](const Vector& v) { return ConstMatrix(v.data(), 2, 2); };
  device_.softmax(context_, Softmax::probabilities, matrix(x), Matrix(y.data(), 2, 2));
  device_.softmax(context_, Softmax::logarithms, matrix(x), Matrix(logs.data(), 2, 2));
  device_.softmax_backward(context_, Softmax::probabilities, matrix(y), matrix(dy), Matrix(dx.data(), 2, 2));
  device_.softmax_backward(context_, Softmax::logarithms, matrix(logs), matrix(dy), Matrix(d_logs.data(), 2, 2));
  const Vector expected = {0.25f, 0.75f, 0.5f, 0.5f};
  const Vector slopes = {1 + 0.1875f, 1 - 0.1875f, 1 - 0.5f, 1 + 0.5f}, log_slopes = {1.75f, 0.25f, 0, 2};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(y[i], expected[i]);
    EXPECT_NEAR(logs[i], std::log(expected[i]), 1e-6f);
    EXPECT_FLOAT_EQ(dx[i], slopes[i]);
    EXPECT_NEAR(d_logs[i], log_slopes[i], 1e-6f);
  }
}

/// Compares with its parts: gemm, cross_entropy and the products of the backward pass.
TEST_F(ReferenceDeviceTest, LinearCrossEntropyIsItsParts) {
  const std::int64_t rows = 5, hidden = 3, symbols = 7;
  const Vector h = random(rows * hidden), w = random(hidden * symbols), bias = random(symbols);
  const std::vector<std::int32_t> targets = data_.ids(rows, symbols);
  const ConstMatrix input(h.data(), rows, hidden), weight(w.data(), hidden, symbols);
  Vector d_input(h.size(), -5), d_weight(w.size(), 1), d_bias(bias.size(), 2);
  LinearCrossEntropy problem;
  problem.input = input;
  problem.weight = weight;
  problem.bias = bias.data();
  problem.targets = targets;
  problem.with_gradients = true;
  problem.scale = 0.5f;
  problem.d_input = Matrix(d_input.data(), rows, hidden);
  problem.d_weight = Matrix(d_weight.data(), hidden, symbols);
  problem.d_bias = d_bias.data();
  device_.linear_cross_entropy(context_, problem);

  Vector logits(static_cast<std::size_t>(rows * symbols)), d(logits.size()), loss(targets.size());
  Vector by_input(h.size()), by_weight(w.size(), 1), by_bias(bias.size(), 2);
  const Matrix d_logits(d.data(), rows, symbols);
  device_.gemm(context_, input, weight, Matrix(logits.data(), rows, symbols), Accumulate::onto_bias(bias.data()));
  device_.cross_entropy(context_, ConstMatrix(logits.data(), rows, symbols), targets, loss, d_logits);
  device_.scale(context_, 0.5f, d);
  device_.gemm(context_, d_logits, weight.transposed(), Matrix(by_input.data(), rows, hidden), Accumulate::onto_zero());
  device_.gemm(context_, input.transposed(), d_logits, Matrix(by_weight.data(), hidden, symbols), Accumulate::onto_c());
  device_.add_column_sums(context_, d_logits, by_bias.data());
  EXPECT_EQ(problem.loss_sum, device_.sum(context_, loss));
  EXPECT_EQ(d_input, by_input);
  EXPECT_EQ(d_weight, by_weight);
  EXPECT_EQ(d_bias, by_bias);
  std::int64_t correct = 0;
  for (std::size_t n = 0; n < targets.size(); ++n) {
    const auto row = logits.begin() + static_cast<std::ptrdiff_t>(n) * symbols;
    correct += std::max_element(row, row + symbols) - row == targets[n];
  }
  EXPECT_EQ(problem.correct, correct);

  const double loss_with_gradients = problem.loss_sum;
  problem.with_gradients = false;
  problem.d_input = problem.d_weight = Matrix();
  problem.d_bias = nullptr;
  device_.linear_cross_entropy(context_, problem);
  EXPECT_EQ(problem.loss_sum, loss_with_gradients) << "the results of an earlier call do not add up";
  EXPECT_EQ(problem.correct, correct);
}

TEST_F(ReferenceDeviceTest, RecurrentSequencesAreTheTemplates) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    for (const bool odd : {false, true}) {  // reverse, relu, no bias
      const RecurrentCase size{cell, odd ? Activation::relu : Activation::tanh, odd, !odd, true, 4, 2, 3};
      RecurrentProblem<float> expected(size, 5), actual(size, 5);
      expected.forward();
      device_.recurrent_forward(context_, device_sequence(actual));
      EXPECT_EQ(actual.h, expected.h) << size.to_string();
      EXPECT_EQ(actual.c, expected.c) << size.to_string();
      EXPECT_EQ(actual.gates, expected.gates) << size.to_string();
      expected.backward();
      device_.recurrent_backward(context_, device_sequence(actual), device_gradient(actual));
      EXPECT_EQ(actual.gates, expected.gates) << size.to_string();
      EXPECT_EQ(actual.candidate, expected.candidate) << size.to_string();
      EXPECT_EQ(actual.d_h, expected.d_h) << size.to_string();
      EXPECT_EQ(actual.d_c, expected.d_c) << size.to_string();
    }
  }
}

TEST_F(ReferenceDeviceTest, Optimizers) {
  const Vector gradient = {2, -4};
  Vector value = {1, 1}, m = {0, 1}, v = {4, 0};
  device_.sgd(context_, 0.25f, gradient, value);
  EXPECT_EQ(value, (Vector{0.5f, 2}));
  const AdamStep step{
      .learning_rate = 1, .beta1 = 0.5f, .beta2 = 0.75f, .epsilon = 0, .correction1 = 1, .correction2 = 1};
  device_.adam(context_, step, gradient, m, v, value);
  EXPECT_EQ(m, (Vector{1, -1.5f}));
  EXPECT_EQ(v, (Vector{4, 4}));
  EXPECT_EQ(value, (Vector{0, 2.75f}));
  Vector velocity = {4, 0}, square = {0, 0};
  value = {1, 1};
  device_.sgd_momentum(context_, {.learning_rate = 0.5, .momentum = 0.5, .nesterov = true}, gradient, velocity, value);
  EXPECT_EQ(velocity, (Vector{4, -4}));
  EXPECT_EQ(value, (Vector{-1, 4}));
  device_.rmsprop(context_, {.learning_rate = 1, .alpha = 0.75, .epsilon = 1}, gradient, square, value);
  EXPECT_EQ(square, (Vector{1, 4}));
  EXPECT_EQ(value, (Vector{-2, 4 + 4.0f / 3}));
  device_.clamp(context_, 3, value);
  EXPECT_EQ(value, (Vector{-2, 3}));
}

}  // namespace
}  // namespace unroll::test
