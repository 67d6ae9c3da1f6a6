#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "io/temporary_folder.h"
#include "language/model_fixtures.h"
#include "language/own_cells.h"
#include "nn/support.h"
#include "unroll/language_run.h"
#include "unroll/session.h"
#include "unroll/training_run.h"

namespace unroll {
namespace {

using test::letters;
using test::MinimalGru;
using test::MinimalLstm;
using test::pseudo_random_ids;
using test::scattered_ids;
using ::testing::HasSubstr;

constexpr int own_symbols = 12, own_hidden = 20, own_steps = 9, own_batch = 6;

CellKind own_gru() { return make_cell<MinimalGru>("minimal-gru"); }
CellKind own_lstm() { return make_cell<MinimalLstm>("minimal-lstm"); }

LanguageModelOptions with_cell(CellKind cell) {
  return {.cell = std::move(cell), .hidden = own_hidden, .layers = 2, .dropout = 0.3f};
}

std::string refusal_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

struct OneStep {
  float loss = 0;
  std::vector<float> gradients, state;
};

OneStep step_of(LanguageModel& model) {
  RecurrentState state = model.zero_state(own_batch);
  const StepDropout dropout{.random = Random(5, RandomStream::dropout)};
  const Var loss = model.loss(scattered_ids(own_steps, own_batch, own_symbols),
                              scattered_ids(own_steps, own_batch, own_symbols, 2), state, &dropout);
  loss.backward();
  OneStep result{.loss = loss.item(), .gradients = gradients_on_host(model.parameters()), .state = {}};
  for (const Var& part : {state.h, state.c}) {
    if (part.defined()) std::ranges::copy(on_host(part.value()), std::back_inserter(result.state));
  }
  return result;
}

/// Both begin with the same weights and draw the same masks, so they differ by rounding only: a number is the result of
/// at most `chain` roundings forward, and of twice as many and the sum over the rows backward.
void expect_agreement(const CellKind& own, CellType built_in, bool has_embedding) {
  Context context({.seed = 3, .threads = 2});
  LanguageModelOptions one = with_cell(built_in), other = with_cell(own);
  one.embedding = other.embedding = has_embedding ? 8 : 0;
  LanguageModel fused(context, letters(own_symbols), one), composed(context, letters(own_symbols), other);
  ASSERT_EQ(fused.parameters().size(), composed.parameters().size());
  ASSERT_EQ(values_on_host(fused.parameters()), values_on_host(composed.parameters()));
  const OneStep expected = step_of(fused), actual = step_of(composed);
  constexpr double chain = (own_hidden + own_hidden + 10.0) * own_steps * 2;
  expect_within("loss", std::abs(static_cast<double>(actual.loss) - static_cast<double>(expected.loss)),
                2 * chain * unit_roundoff * std::log(own_symbols));
  expect_within("state", max_difference(actual.state, expected.state), 2 * chain * unit_roundoff);
  expect_within("gradients", max_difference(actual.gradients, expected.gradients),
                2 * (2 * chain + own_steps * own_batch) * unit_roundoff * max_magnitude(expected.gradients));
  const GenerateOptions options{.length = 50, .temperature = 1, .seed = 8};
  EXPECT_EQ(generate(composed, "abc", options), generate(fused, "abc", options));
}

TEST(OwnCell, AgreesWithTheBuiltInOneOfItsFormulas) {
  expect_agreement(own_gru(), CellType::gru, false);
  expect_agreement(own_gru(), CellType::gru, true);
  expect_agreement(own_lstm(), CellType::lstm, false);
}

TEST(OwnCell, ReadsBackwardsAsTheBuiltInOneDoes) {
  Context context({.seed = 3});
  const auto final_values = [&](const CellKind& cell) {
    Parameters p(context);
    const Recurrent network(p, "rnn", own_symbols,
                            {.cell = cell, .hidden = own_hidden, .layers = 2, .bidirectional = true});
    const Recurrent::Result result = network(scattered_ids(own_steps, own_batch, own_symbols));
    std::vector<float> all = to_vector(result.output.value());
    std::ranges::copy(on_host(result.state.h.value()), std::back_inserter(all));
    return all;
  };
  // As above; the second layer has twice the inputs.
  constexpr double chain = (own_hidden + 2 * own_hidden + 10.0) * own_steps * 2;
  expect_within("outputs and state", max_difference(final_values(own_lstm()), final_values(CellType::lstm)),
                2 * chain * unit_roundoff);
}

/// A run of a model with the cell in `folder`, of 2 epochs of 14 updates.
struct OwnRun {
  OwnRun(const std::string& folder, int threads, std::int64_t stop_after)
      : context({.seed = 1, .threads = threads}),
        corpus(Corpus::from_ids(pseudo_random_ids(own_batch * own_steps * 14 + own_batch, own_symbols),
                                letters(own_symbols))),
        model(context, corpus.vocabulary(), with_cell(own_gru())),
        run(std::make_shared<LanguageTask>(model, corpus, LanguageTaskOptions{.batch = own_batch, .window = own_steps}),
            std::make_shared<Adam>(model.parameters()), {.epochs = 2}, {.directory = folder},
            [this](const std::string& path, std::span<const float> values) { model.save(path, values); }) {
    run.trainer().on_step([this, stop_after](const StepReport& report) {
      if (report.update == stop_after) run.stop();
    });
  }

  Context context;
  Corpus corpus;
  LanguageModel model;
  TrainingRun run;
};

TEST(OwnCell, ResumedInMidEpochAndOnTwoThreadsItLeavesTheSameModel) {
  const TemporaryFolder folder;
  OwnRun(folder.path("whole"), 1, 0).run.train();
  EXPECT_EQ(OwnRun(folder.path("parts"), 2, 5).run.train(), StopReason::stopped);
  EXPECT_EQ(OwnRun(folder.path("parts"), 1, 0).run.train(Resume::required), StopReason::finished);
  EXPECT_EQ(folder.contents("parts/model.safetensors"), folder.contents("whole/model.safetensors"));
  EXPECT_GT(folder.contents("whole/model.safetensors").size(), 1000u);
}

TEST(OwnCell, IsSavedLoadedAndRefusedWithoutIt) {
  const TemporaryFolder folder;
  const std::string path = folder.path("model.safetensors");
  Context context({.seed = 3});
  const LanguageModel saved(context, letters(own_symbols), with_cell(own_lstm()));
  saved.save(path);
  const LanguageModel loaded = LanguageModel::load(context, path, {own_gru(), own_lstm()});
  EXPECT_EQ(loaded.options().cell.name(), "minimal-lstm");
  EXPECT_EQ(values_on_host(loaded.parameters()), values_on_host(saved.parameters()));
  EXPECT_EQ(loaded.tensors().at(1).name, "rnn.cell_l0.W_h");
  const GenerateOptions options{.length = 30, .temperature = 1};
  EXPECT_EQ(generate(loaded, "a", options), generate(saved, "a", options));
  EXPECT_THAT(refusal_of([&] { LanguageModel::load(context, path); }),
              HasSubstr("config: cell is \"minimal-lstm\"; it must be rnn, gru or lstm"));
  EXPECT_THAT(refusal_of([&] { LanguageModel::load(context, path, {make_cell<MinimalGru>("minimal-lstm")}); }),
              HasSubstr("tensor rnn.cell_l0.W_x is [12, 80]; its config asks for [12, 60]"));
}

TEST(OwnCell, SessionsInOneBatchGiveTheBytesThatEachGivesAlone) {
  Context context({.seed = 3});
  const LanguageModel model(context, letters(own_symbols), with_cell(own_lstm()));
  const std::vector<std::string> prefixes = {"a", "bcd", "", "ll"};
  const GenerateOptions options{.length = 20};
  const std::vector<std::string> together = generate(model, prefixes, options);
  EXPECT_EQ(together[0], generate(model, "a", options));
  EXPECT_EQ(together[1], generate(model, "bcd", options));
  Session session(model.pack(), context);
  session.feed("bcd");
  Session again = Session::restore(model.pack(), context, session.save());
  EXPECT_EQ("bcd" + again.generate(options), together[1]);
  Context other;
  EXPECT_THAT(refusal_of([&] { Session(model.pack(), other); }), HasSubstr("minimal-lstm"));
}

struct Careless : Cell {
  Careless(Parameters& p, const std::string& name, int, int width) : Cell(p, name, width) {}
  CellState step(const Var& x, const CellState&) const override { return {x}; }
};
struct Stateless : Careless {
  using Careless::Careless;
  CellState zero_state(int) const override { return {}; }
};

struct TooWide : Careless {
  using Careless::Careless;
  CellState zero_state(int batch) const override { return {zeros(context(), {batch, 4000})}; }
};
struct Elsewhere : Careless {
  Elsewhere(Parameters& p, const std::string& name, int input, int width)
      : Careless(p, name, input, width), part(p, "elsewhere", input, width) {}
  Linear part;
};

TEST(OwnCell, FaultsAreNamed) {
  Context context;
  const auto model = [&](CellKind cell) {
    return LanguageModel(context, letters(5), {.cell = std::move(cell), .hidden = 3});
  };
  EXPECT_THAT(refusal_of([] { make_cell<MinimalGru>("gru"); }), HasSubstr("named gru, as a built-in one"));
  EXPECT_THAT(refusal_of([] { make_cell<MinimalGru>(""); }), HasSubstr("needs a name"));
  EXPECT_THAT(refusal_of([&] { model(make_cell<Careless>("x"))(scattered_ids(2, 2, 5)); }),
              HasSubstr("step() of a cell returned [2, 5]; it must return one tensor of shape [2, 3]"));
  EXPECT_THAT(refusal_of([&] { model(make_cell<Stateless>("x")); }), HasSubstr("returned 0 tensors"));
  EXPECT_THAT(refusal_of([&] { model(make_cell<TooWide>("x")); }),
              HasSubstr("zero_state() of a cell returned [1, 4000]; its tensors must be of shape [1, 3]"));
  EXPECT_THAT(refusal_of([&] { model(make_cell<Elsewhere>("x")); }),
              HasSubstr("adds the parameter elsewhere.weight, which must begin with rnn.cell_l0."));
  EXPECT_THAT(refusal_of([&] { model(CellKind("x", [](auto&&...) { return nullptr; })); }), HasSubstr("returned null"));
  EXPECT_THAT(refusal_of([] { CellKind("x", {}); }), HasSubstr("no function"));
  EXPECT_THAT(refusal_of([] { make_cell<MinimalGru>("caf\xe9"); }), HasSubstr("printable ASCII"));
  EXPECT_THAT(refusal_of([] { make_cell<MinimalGru>(std::string(101, 'x')); }), HasSubstr("at most 100"));
  EXPECT_THAT(refusal_of([] { LanguageRun::create({.text = "none", .model = {.cell = own_gru()}}); }),
              HasSubstr("the cell minimal-gru is not built in"));
}

}  // namespace
}  // namespace unroll
