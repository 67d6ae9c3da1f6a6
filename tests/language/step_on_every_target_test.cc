#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "device/every_target.h"
#include "device/reference/cross_entropy.h"
#include "language/model_fixtures.h"
#include "support/bounds.h"
#include "support/recurrent_problem.h"
#include "train/gradient_sum.h"
#include "unroll/language_task.h"
#include "unroll/trainer.h"

// Compares a whole training step, from symbols to the loss and the gradients of all parameters, on each SIMD target
// with the reference formulas, which also compute the bound of their rounding error, and the targets with each other.

namespace unroll {
namespace {

using test::BoundReport;
using Number = test::Tracked<float>;

// 32 positions: a power of two, so that the factor of the mean is exact.
constexpr int vocabulary_size = 45, hidden_size = 23, window_length = 4, batch_size = 8,
              positions = window_length * batch_size;

template <class Value>
struct Outcome {
  Value loss;  // mean
  std::map<std::string, std::vector<Value>> gradients;
};

std::vector<Number> exact_values(const LanguageModel& model, const char* name) {
  std::vector<Number> values;
  for (const float x : test::values_of(model.parameters().find(name)->var)) values.emplace_back(x);
  return values;
}

/// The same step, computed by the formulas of src/device/reference.
Outcome<Number> by_formulas(const LanguageModel& model, const Batch& window) {
  const auto values = [&](const char* name) { return exact_values(model, name); };
  const std::vector<Number> weight_ih = values("rnn.weight_ih_l0"), bias_ih = values("rnn.bias_ih_l0");
  test::RecurrentProblem<Number> recurrent({.cell = model.options().cell.type(),
                                            .with_state = false,
                                            .steps = window_length,
                                            .batch = batch_size,
                                            .hidden = hidden_size},
                                           1);
  recurrent.weight = values("rnn.weight_hh_l0");
  recurrent.bias = values("rnn.bias_hh_l0");
  const std::int64_t width = recurrent.width();
  const ref::Grid<Number> gates(recurrent.gates.data(), positions, width);
  ref::gather_rows(ref::Grid<const Number>(weight_ih.data(), vocabulary_size, width), window.ids.flat(), bias_ih.data(),
                   gates);
  recurrent.forward();

  const std::vector<Number> decoder = values("decoder.weight"), decoder_bias = values("decoder.bias");
  Outcome<Number> outcome;
  const auto gradient = [&](const char* name, std::int64_t size) {
    std::vector<Number>& sums = outcome.gradients[name];
    sums.assign(static_cast<std::size_t>(size), Number(0));
    return sums.data();
  };
  ref::LinearLoss<Number> loss;
  loss.input = {recurrent.written(recurrent.h).data(), positions, hidden_size};
  loss.weight = {decoder.data(), hidden_size, vocabulary_size};
  loss.bias = decoder_bias.data();
  loss.targets = window.targets.flat();
  loss.with_gradients = true;
  loss.scale = Number(1.0 / positions);
  loss.d_input = {recurrent.d_output.data(), positions, hidden_size};
  loss.d_weight = {gradient("decoder.weight", hidden_size * vocabulary_size), hidden_size, vocabulary_size};
  loss.d_bias = gradient("decoder.bias", vocabulary_size);
  ref::linear_cross_entropy(loss);
  outcome.loss = loss.loss_sum * loss.scale;

  std::fill(recurrent.d_h.begin(), recurrent.d_h.end(), Number(0));
  std::fill(recurrent.d_c.begin(), recurrent.d_c.end(), Number(0));
  recurrent.backward();
  outcome.gradients["rnn.weight_hh_l0"] = recurrent.weight_gradient();
  outcome.gradients["rnn.bias_hh_l0"] = recurrent.bias_gradient();
  ref::add_column_sums(ref::Grid<const Number>(gates), gradient("rnn.bias_ih_l0", width));
  ref::scatter_add_rows(
      window.ids.flat(), ref::Grid<const Number>(gates),
      ref::Grid<Number>(gradient("rnn.weight_ih_l0", vocabulary_size * width), vocabulary_size, width));
  return outcome;
}

void expect_agreement_of_targets(CellType cell, int shards = 1) {
  const Corpus corpus =
      Corpus::from_ids(test::pseudo_random_ids(2 * positions, vocabulary_size), test::letters(vocabulary_size));
  Context context({.seed = 1, .threads = 2});
  LanguageModel model(context, corpus.vocabulary(), {.cell = cell, .hidden = hidden_size});
  LanguageTask task(model, corpus, {.batch = batch_size, .window = window_length});
  const Outcome<Number> exact =
      by_formulas(model, Windows(WindowKind::consecutive, corpus.ids(), batch_size, window_length).batch(0));
  ASSERT_EQ(exact.gradients.size(), model.parameters().entries().size());

  std::map<std::string, Outcome<double>> outcomes;
  test::on_every_target([&] {
    Outcome<double>& outcome = outcomes[simd_target()];
    BoundReport report("step on " + simd_target());
    task.begin_epoch(1);
    outcome.loss = GradientSum(task, single_process(), shards).sum_batches(0, 1).sum / positions;
    report.add(outcome.loss, exact.loss.value(), exact.loss.error(), "loss");
    for (const Parameters::Entry& entry : model.parameters().entries()) {
      const std::vector<Number>& expected = exact.gradients.at(entry.name);
      const HostCopy gradient = on_host(entry.var.gradient());
      report.add_all(std::vector<float>(gradient.begin(), gradient.end()), expected, entry.name);
      outcome.gradients[entry.name].assign(gradient.begin(), gradient.end());
    }
  });

  for (const auto& [name, outcome] : outcomes) {
    for (const auto& [other_name, other] : outcomes) {
      if (name >= other_name) continue;
      BoundReport report(name + " against " + other_name);
      report.add(outcome.loss, other.loss, 2 * exact.loss.error(), "loss");
      for (const auto& [parameter, expected] : exact.gradients) {
        for (std::size_t i = 0; i < expected.size(); ++i) {
          report.add(outcome.gradients.at(parameter)[i], other.gradients.at(parameter)[i], 2 * expected[i].error(),
                     parameter, i);
        }
      }
    }
  }
}

TEST(StepOnEveryTarget, AgreesWithinItsErrorBoundRnn) { expect_agreement_of_targets(CellType::rnn); }
TEST(StepOnEveryTarget, AgreesWithinItsErrorBoundGru) { expect_agreement_of_targets(CellType::gru); }
TEST(StepOnEveryTarget, AgreesWithinItsErrorBoundLstm) { expect_agreement_of_targets(CellType::lstm); }
// The bound is the same, as it holds for any order of summation.
TEST(StepOnEveryTarget, AgreesWithinItsErrorBoundInShards) {
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) expect_agreement_of_targets(cell, 3);
}

}  // namespace
}  // namespace unroll
