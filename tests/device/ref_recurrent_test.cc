#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <limits>
#include <string>
#include <vector>

#include "device/reference/recurrent.h"
#include "support/bounds.h"
#include "support/gradient_check.h"
#include "support/random_data.h"
#include "support/recurrent_problem.h"

namespace unroll::test {
namespace {

struct CellKind {
  CellType cell;
  Activation activation;
};
constexpr CellKind cell_kinds[] = {{CellType::rnn, Activation::tanh},
                                   {CellType::rnn, Activation::relu},
                                   {CellType::rnn, Activation::sigmoid},
                                   {CellType::gru, Activation::tanh},
                                   {CellType::lstm, Activation::tanh}};

/// Each cell at these sizes [T, B, H], in both directions, with and without bias and initial state.
std::vector<RecurrentCase> all_cases() {
  constexpr std::int64_t sizes[][3] = {{1, 1, 1}, {2, 1, 3}, {1, 3, 4}, {3, 2, 2}, {4, 1, 6}, {5, 3, 5}};
  std::vector<RecurrentCase> cases;
  for (const CellKind& kind : cell_kinds) {
    for (const auto& [steps, batch, hidden] : sizes) {
      for (const bool reverse : {false, true}) {
        for (const bool with_bias : {false, true}) {
          const bool with_state = hidden != 4;
          cases.push_back({kind.cell, kind.activation, reverse, with_bias, with_state, steps, batch, hidden});
        }
      }
    }
  }
  return cases;
}

/// The variables of the gradients: all inputs of a sequence, concatenated.
template <class Real>
std::vector<Real> variables(const RecurrentProblem<Real>& p) {
  std::vector<Real> x = p.gates;
  const auto append = [&x](const auto& part) { x.insert(x.end(), part.begin(), part.end()); };
  append(p.weight);
  append(p.bias);
  append(p.slot(p.h, p.initial_slot()));
  if (p.size.cell == CellType::lstm) append(p.slot(p.c, p.initial_slot()));
  return x;
}

template <class Real>
void set_variables(RecurrentProblem<Real>& p, const std::vector<Real>& x) {
  auto from = x.begin();
  const auto take = [&from](auto&& part) {
    const auto size = static_cast<std::ptrdiff_t>(part.size());
    std::copy(from, from + size, part.begin());
    from += size;
  };
  take(p.gates);
  take(p.weight);
  take(p.bias);
  take(p.slot(p.h, p.initial_slot()));
  if (p.size.cell == CellType::lstm) take(p.slot(p.c, p.initial_slot()));
  EXPECT_EQ(from, x.end());
}

/// A loss whose gradient with respect to outputs and final state is d_output, d_h and d_c.
template <class Real>
Real loss_of(const RecurrentCase& size, std::uint64_t seed, const std::vector<Real>& x) {
  RecurrentProblem<Real> p(size, seed);
  set_variables(p, x);
  p.forward();
  Real loss(0);
  const auto add_product = [&loss](const auto& a, const auto& b) {
    for (std::size_t i = 0; i < a.size(); ++i) loss += a[i] * b[i];
  };
  add_product(p.written(p.h), p.d_output);
  add_product(p.slot(p.h, p.final_slot()), p.d_h);
  if (size.cell == CellType::lstm) add_product(p.slot(p.c, p.final_slot()), p.d_c);
  return loss;
}

/// The hand-written gradient, in the order of variables().
template <class Real>
std::vector<Real> gradient_of(const RecurrentCase& size, std::uint64_t seed) {
  RecurrentProblem<Real> p(size, seed);
  p.forward();
  p.backward();
  std::vector<Real> gradient = p.gates;
  const auto append = [&gradient](const auto& part) { gradient.insert(gradient.end(), part.begin(), part.end()); };
  append(p.weight_gradient());
  if (size.with_bias) append(p.bias_gradient());
  append(p.d_h);
  append(p.d_c);
  return gradient;
}

TEST(RefRecurrent, GradientsAreTheComplexStepDerivatives) {
  BoundReport report("gradients of recurrent sequences");
  std::uint64_t seed = 100;
  for (const RecurrentCase& size : all_cases()) {
    ++seed;
    const auto f = [&](const auto& x) { return loss_of(size, seed, x); };
    const std::vector<double> expected = complex_step_gradient(f, variables(RecurrentProblem<double>(size, seed)));
    const std::vector<Tracked<double>> actual = gradient_of<Tracked<double>>(size, seed);
    ASSERT_EQ(actual.size(), expected.size());
    for (std::size_t i = 0; i < actual.size(); ++i) {
      report.add(actual[i].value(), expected[i], 4 * actual[i].error(), size.to_string(), i);
    }
  }
}

TEST(RefRecurrent, GradientsOfReluAreTheCentralDifferences) {
  BoundReport report("gradients of the relu rnn, by differences");
  std::uint64_t seed = 300;
  for (const RecurrentCase& size : all_cases()) {
    if (size.cell != CellType::rnn || size.activation != Activation::relu) continue;
    ++seed;
    const auto f = [&](const std::vector<double>& x) { return loss_of(size, seed, x); };
    const std::vector<double> expected =
        central_difference_gradient(f, variables(RecurrentProblem<double>(size, seed)));
    const std::vector<double> actual = gradient_of<double>(size, seed);
    for (std::size_t i = 0; i < actual.size(); ++i) {
      report.add(actual[i], expected[i], 1e-8, size.to_string(),
                 i);  // the error of the differences, not of the gradient
    }
  }
}

TEST(RefRecurrent, ReverseIsForwardOnTheSequenceTurnedRound) {
  for (const CellKind& kind : cell_kinds) {
    const RecurrentCase forward_case{kind.cell, kind.activation, false, true, true, 5, 2, 3};
    RecurrentCase reverse_case = forward_case;
    reverse_case.reverse = true;
    RecurrentProblem<double> forward(forward_case, 7), reverse(reverse_case, 7);
    const auto turned = [&](std::vector<double> x, std::int64_t pieces) {
      const auto piece = static_cast<std::ptrdiff_t>(x.size()) / pieces;
      for (std::ptrdiff_t i = 0; i < pieces / 2; ++i) {
        std::swap_ranges(x.begin() + i * piece, x.begin() + (i + 1) * piece, x.end() - (i + 1) * piece);
      }
      return x;
    };
    reverse.gates = turned(forward.gates, 5);
    reverse.d_output = turned(forward.d_output, 5);
    forward.forward();
    reverse.forward();
    EXPECT_EQ(turned(reverse.h, 6), forward.h);
    EXPECT_EQ(turned(reverse.c, 6), forward.c);
    EXPECT_EQ(turned(reverse.gates, 5), forward.gates);
    EXPECT_EQ(turned(reverse.candidate, 5), forward.candidate);
    forward.backward();
    reverse.backward();
    EXPECT_EQ(turned(reverse.gates, 5), forward.gates);
    EXPECT_EQ(turned(reverse.candidate, 5), forward.candidate);
    EXPECT_EQ(reverse.d_h, forward.d_h);
    EXPECT_EQ(reverse.d_c, forward.d_c);
  }
}

TEST(RefRecurrent, TwoHalvesAreTheWhole) {
  for (const CellKind& kind : cell_kinds) {
    const RecurrentCase whole_case{kind.cell, kind.activation, false, true, true, 4, 2, 3};
    RecurrentCase half_case = whole_case;
    half_case.steps = 2;
    RecurrentProblem<double> whole(whole_case, 8), first(half_case, 8), second(half_case, 8);
    first.weight = second.weight = whole.weight;
    first.bias = second.bias = whole.bias;
    const std::ptrdiff_t gates = std::ssize(first.gates), outputs = std::ssize(first.d_output), slot = 6;
    std::copy_n(whole.gates.begin(), gates, first.gates.begin());
    std::copy_n(whole.gates.begin() + gates, gates, second.gates.begin());
    std::copy_n(whole.d_output.begin(), outputs, first.d_output.begin());
    std::copy_n(whole.d_output.begin() + outputs, outputs, second.d_output.begin());
    const auto carry = [](const std::vector<double>& from, std::ptrdiff_t at, std::vector<double>& to) {
      if (!from.empty()) std::copy_n(from.begin() + at, slot, to.begin());
    };
    carry(whole.h, 0, first.h);
    carry(whole.c, 0, first.c);
    second.d_h = whole.d_h;
    second.d_c = whole.d_c;
    first.forward();
    carry(first.h, 2 * slot, second.h);
    carry(first.c, 2 * slot, second.c);
    second.forward();
    whole.forward();
    EXPECT_TRUE(std::equal(second.h.begin(), second.h.end(), whole.h.begin() + 2 * slot));
    second.backward();
    first.d_h = second.d_h;
    first.d_c = second.d_c;
    first.backward();
    whole.backward();
    EXPECT_EQ(first.d_h, whole.d_h);
    EXPECT_EQ(first.d_c, whole.d_c);
    EXPECT_TRUE(std::equal(first.gates.begin(), first.gates.end(), whole.gates.begin()));
    EXPECT_TRUE(std::equal(second.gates.begin(), second.gates.end(), whole.gates.begin() + gates));
  }
}

TEST(RefRecurrent, NoStepsLeaveTheStateAndItsGradient) {
  for (const CellKind& kind : cell_kinds) {
    for (const bool reverse : {false, true}) {
      RecurrentProblem<double> p({kind.cell, kind.activation, reverse, true, true, 0, 2, 3}, 9);
      const RecurrentProblem<double> before = p;
      p.forward();
      p.backward();
      EXPECT_EQ(p.h, before.h);
      EXPECT_EQ(p.d_h, before.d_h);
      EXPECT_EQ(p.d_c, before.d_c);
    }
  }
}

TEST(RefRecurrent, FloatStaysWithinItsBound) {
  BoundReport forward("recurrent sequences in float, forward"), backward("recurrent sequences in float, backward");
  std::uint64_t seed = 500;
  for (const RecurrentCase& size : all_cases()) {
    RecurrentProblem<float> actual(size, ++seed);
    RecurrentProblem<Tracked<float>> expected(size, seed);
    actual.forward();
    expected.forward();
    forward.add_all(actual.h, expected.h, size.to_string());
    if (size.cell == CellType::lstm) forward.add_all(actual.c, expected.c, size.to_string());
    forward.add_all(actual.gates, expected.gates, size.to_string());
    actual.backward();
    expected.backward();
    backward.add_all(actual.gates, expected.gates, size.to_string());
    backward.add_all(actual.d_h, expected.d_h, size.to_string());
    if (size.cell == CellType::lstm) backward.add_all(actual.d_c, expected.d_c, size.to_string());
    backward.add_all(actual.weight_gradient(), expected.weight_gradient(), size.to_string());
  }
}

/// A bound that is too wide would never fail: for a few steps of moderate width it must still demand four digits or
/// more.
TEST(RefRecurrent, TheBoundIsTelling) {
  for (const CellKind& kind : cell_kinds) {
    RecurrentProblem<Tracked<float>> p({kind.cell, kind.activation, false, true, true, 5, 1, 12}, 11);
    p.forward();
    p.backward();
    for (const auto& h : p.h) EXPECT_LT(h.error(), 1e-4) << p.size.to_string();
    for (const auto& d : p.d_h) EXPECT_LT(d.error(), 1e-4) << p.size.to_string();
  }
}

TEST(RefRecurrent, NanStaysInItsRowAndLastsToTheEnd) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const CellKind& kind : cell_kinds) {
    const std::int64_t gates = gate_count(kind.cell);
    for (std::int64_t gate = 0; gate < gates; ++gate) {
      RecurrentProblem<double> p({kind.cell, kind.activation, false, true, true, 3, 2, 2}, 12);
      p.gates[static_cast<std::size_t>(((1 * 2 + 1) * gates + gate) * 2)] = nan;  // step 1, row 1, unit 0
      p.forward();
      const auto h = [&](std::size_t t, std::size_t row, std::size_t unit) {
        return p.h[((t + 1) * 2 + row) * 2 + unit];
      };
      EXPECT_FALSE(std::isnan(h(0, 1, 0))) << p.size.to_string() << " gate " << gate;
      EXPECT_TRUE(std::isnan(h(1, 1, 0))) << p.size.to_string() << " gate " << gate;
      EXPECT_FALSE(std::isnan(h(1, 1, 1))) << p.size.to_string() << " gate " << gate;
      EXPECT_TRUE(std::isnan(h(2, 1, 0)) && std::isnan(h(2, 1, 1))) << p.size.to_string() << " gate " << gate;
      EXPECT_FALSE(std::isnan(h(2, 0, 0)) || std::isnan(h(2, 0, 1))) << p.size.to_string() << " gate " << gate;
    }
  }
}

TEST(RefRecurrent, InfiniteInputsSaturate) {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const CellKind& kind : cell_kinds) {
    if (kind.activation == Activation::relu) continue;  // relu does not saturate
    for (const float x : {infinity, -infinity}) {
      RecurrentProblem<float> p({kind.cell, kind.activation, false, true, true, 3, 1, 2}, 13);
      std::fill(p.gates.begin(), p.gates.end(), x);
      p.forward();
      p.backward();
      for (const float h : p.h) EXPECT_TRUE(std::isfinite(h)) << p.size.to_string();
      for (const float d : p.gates) EXPECT_EQ(d, 0) << p.size.to_string() << ": a saturated gate has no slope";
    }
  }
}

}  // namespace
}  // namespace unroll::test
