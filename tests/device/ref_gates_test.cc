// Tests each gate separately: all weights and inputs except those of one gate are zero, so the result is a closed
// formula.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "support/recurrent_problem.h"

namespace unroll::test {
namespace {

double s(double x) { return 1 / (1 + std::exp(-x)); }

/// A problem of one unit and one row with the given initial h and c; weights and the inputs of all gates are zero.
RecurrentProblem<double> silent(CellType cell, std::int64_t steps, double h, double c = 0) {
  RecurrentProblem<double> p({cell, Activation::tanh, false, true, true, steps, 1, 1}, 1);
  for (std::vector<double>* values : {&p.gates, &p.weight, &p.bias}) std::fill(values->begin(), values->end(), 0.0);
  p.h[0] = h;
  if (cell == CellType::lstm) p.c[0] = c;
  return p;
}

/// Sets the input of one gate at every step.
void drive(RecurrentProblem<double>& p, std::size_t gate, double x) {
  const auto gates = static_cast<std::size_t>(gate_count(p.size.cell));
  for (std::size_t t = 0; t < static_cast<std::size_t>(p.size.steps); ++t) p.gates[t * gates + gate] = x;
}

TEST(RnnGates, WithoutRecurrenceEveryStepIsItsOwnInput) {
  auto p = silent(CellType::rnn, 3, 0.7);
  p.gates = {0.5, -2, 0.5};
  p.forward();
  EXPECT_DOUBLE_EQ(p.h[1], std::tanh(0.5));
  EXPECT_DOUBLE_EQ(p.h[2], std::tanh(-2));
  EXPECT_EQ(p.h[3], p.h[1]);
}

TEST(RnnGates, InputBiasAndRecurrenceAddUp) {
  auto p = silent(CellType::rnn, 2, 0.5);
  drive(p, 0, 0.25);
  p.bias = {-0.125};
  p.weight = {2};
  p.forward();
  EXPECT_DOUBLE_EQ(p.h[1], std::tanh(0.25 - 0.125 + 2 * 0.5));
  EXPECT_DOUBLE_EQ(p.h[2], std::tanh(0.25 - 0.125 + 2 * p.h[1]));
}

TEST(RnnGates, ActivationIsTheOneAskedFor) {
  for (const double x : {-0.75, 0.75}) {
    for (const Activation activation : {Activation::tanh, Activation::relu, Activation::sigmoid}) {
      auto p = silent(CellType::rnn, 1, 0.5);
      p.size.activation = activation;
      drive(p, 0, x);
      p.forward();
      const double expected = activation == Activation::tanh   ? std::tanh(x)
                              : activation == Activation::relu ? std::max(x, 0.0)
                                                               : s(x);
      EXPECT_DOUBLE_EQ(p.h[1], expected);
    }
  }
}

TEST(GruGates, SilentHalvesTheStateEachStep) {
  auto p = silent(CellType::gru, 3, 0.8);
  p.forward();
  EXPECT_DOUBLE_EQ(p.h[1], 0.4);
  EXPECT_DOUBLE_EQ(p.h[3], 0.1);
}

TEST(GruGates, UpdateGateKeepsTheState) {
  auto p = silent(CellType::gru, 2, 0.8);
  drive(p, 1, 3);
  p.forward();
  EXPECT_DOUBLE_EQ(p.h[2], s(3) * s(3) * 0.8);
}

TEST(GruGates, NewGateIsMixedInByOneMinusUpdate) {
  auto p = silent(CellType::gru, 1, 0.8);
  drive(p, 1, 1.5);
  drive(p, 2, -0.6);
  p.forward();
  EXPECT_DOUBLE_EQ(p.h[1], (1 - s(1.5)) * std::tanh(-0.6) + s(1.5) * 0.8);
}

TEST(GruGates, ResetGateActsAfterTheProductAndItsBias) {
  auto p = silent(CellType::gru, 1, 0.8);
  drive(p, 0, -1.25);
  drive(p, 2, 0.5);
  p.bias[2] = 0.3;
  p.weight[2] = 2;
  p.forward();
  const double candidate = 2 * 0.8 + 0.3;
  EXPECT_DOUBLE_EQ(p.candidate[0], candidate);
  EXPECT_DOUBLE_EQ(p.gates[2], std::tanh(0.5 + s(-1.25) * candidate));
  EXPECT_DOUBLE_EQ(p.h[1], 0.5 * std::tanh(0.5 + s(-1.25) * candidate) + 0.5 * 0.8);
}

TEST(LstmGates, SilentHalvesTheCellEachStep) {
  auto p = silent(CellType::lstm, 2, 0.3, 0.8);
  p.forward();
  EXPECT_DOUBLE_EQ(p.c[1], 0.4);
  EXPECT_DOUBLE_EQ(p.c[2], 0.2);
  EXPECT_DOUBLE_EQ(p.h[2], 0.5 * std::tanh(0.2));
}

TEST(LstmGates, InputGateScalesTheCandidate) {
  auto p = silent(CellType::lstm, 1, 0, 0);
  drive(p, 0, 2);
  drive(p, 2, 0.7);
  p.forward();
  EXPECT_DOUBLE_EQ(p.c[1], s(2) * std::tanh(0.7));
}

TEST(LstmGates, InputGateAloneDoesNothing) {
  auto p = silent(CellType::lstm, 1, 0, 0);
  drive(p, 0, 2);
  p.forward();
  EXPECT_EQ(p.c[1], 0);
  EXPECT_EQ(p.h[1], 0);
}

TEST(LstmGates, ForgetGateKeepsTheCell) {
  auto p = silent(CellType::lstm, 3, 0, 0.8);
  drive(p, 1, 4);
  p.forward();
  EXPECT_DOUBLE_EQ(p.c[3], s(4) * s(4) * s(4) * 0.8);
}

TEST(LstmGates, OutputGateShowsTheCellAndLeavesIt) {
  auto p = silent(CellType::lstm, 1, 0, 0.8);
  drive(p, 3, -1);
  p.forward();
  EXPECT_DOUBLE_EQ(p.c[1], 0.4);
  EXPECT_DOUBLE_EQ(p.h[1], s(-1) * std::tanh(0.4));
}

TEST(LstmGates, RecurrenceReadsTheHiddenStateNotTheCell) {
  auto p = silent(CellType::lstm, 1, 0.25, 100);
  p.weight = {0, 0, 0, 2};
  p.forward();
  EXPECT_DOUBLE_EQ(p.gates[3], s(2 * 0.25));
}

}  // namespace
}  // namespace unroll::test
