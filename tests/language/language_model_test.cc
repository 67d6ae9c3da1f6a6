#include "unroll/language_model.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "io/error_of.h"
#include "language/model_fixtures.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using test::letters;
using test::scattered_ids;
using test::values_of;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double epsilon = std::numeric_limits<float>::epsilon();

std::vector<std::string> names_of(const LanguageModel& model) {
  std::vector<std::string> names;
  for (const auto& entry : model.parameters().entries()) names.push_back(entry.name + entry.var.shape().to_string());
  return names;
}

TEST(LanguageModel, AddsItsParametersInTheDocumentedOrder) {
  Context context;
  EXPECT_THAT(names_of(LanguageModel(context, letters(7), {.cell = CellType::gru, .hidden = 3})),
              ElementsAre("rnn.weight_ih_l0[7, 9]", "rnn.weight_hh_l0[3, 9]", "rnn.bias_ih_l0[9]", "rnn.bias_hh_l0[9]",
                          "decoder.weight[3, 7]", "decoder.bias[7]"));
  const LanguageModelOptions wide{
      .cell = CellType::lstm, .hidden = 2, .layers = 2, .embedding = 5, .biases = Biases::one};
  EXPECT_THAT(names_of(LanguageModel(context, letters(7), wide)),
              ElementsAre("encoder.weight[7, 5]", "rnn.weight_ih_l0[5, 8]", "rnn.weight_hh_l0[2, 8]",
                          "rnn.bias_ih_l0[8]", "rnn.weight_ih_l1[2, 8]", "rnn.weight_hh_l1[2, 8]", "rnn.bias_ih_l1[8]",
                          "decoder.weight[2, 7]", "decoder.bias[7]"));
}

TEST(LanguageModel, TiedKeepsOneWeightForEmbeddingAndDecoder) {
  Context context;
  const LanguageModel model(context, letters(30), {.hidden = 25, .embedding = 25, .tied = true});
  EXPECT_THAT(names_of(model),
              ElementsAre("encoder.weight[30, 25]", "rnn.weight_ih_l0[25, 25]", "rnn.weight_hh_l0[25, 25]",
                          "rnn.bias_ih_l0[25]", "rnn.bias_hh_l0[25]", "decoder.bias[30]"));
  for (const float x : values_of(model.parameters().find("encoder.weight")->var)) EXPECT_LE(std::abs(x), 0.2f);
}

/// The same formula composed: a row sums V exponentials and H products, and the loss has magnitude log V.
TEST(LanguageModel, LogitsGiveTheLoss) {
  constexpr int V = 30, H = 24;
  const Ids ids = scattered_ids(10, 6, V), targets = scattered_ids(10, 6, V, 2);
  for (const int embedding : {0, 8}) {
    Context context;
    const LanguageModel model(context, letters(V), {.cell = CellType::gru, .hidden = H, .embedding = embedding});
    RecurrentState state = model.zero_state(6);
    const Var logits = model(ids);
    EXPECT_EQ(logits.shape(), (Shape{10, 6, V}));
    EXPECT_NEAR(cross_entropy(logits, targets).item(), model.loss(ids, targets, state).item(),
                (V + H) * epsilon * std::log(V));
  }
}

/// A tied model and one with two weights that are each other's transpose have the same loss, and the tied gradient is
/// the sum of the two separate ones.
TEST(LanguageModel, TiedGradientsOfBothUsesAddUp) {
  constexpr std::size_t V = 30, H = 24;
  const Ids ids = scattered_ids(10, 6, V), targets = scattered_ids(10, 6, V, 2);
  for (const DeviceKind device : {default_device(), DeviceKind::reference}) {
    Context context({.device = device});
    LanguageModelOptions options{.cell = CellType::lstm, .hidden = H, .layers = 2, .embedding = H, .tied = true};
    LanguageModel tied(context, letters(V), options);
    options.tied = false;
    LanguageModel separate(context, letters(V), options);
    for (const auto& entry : tied.parameters().entries()) {
      test::edit_parameter(separate, entry.name, [&, values = values_of(entry.var)](std::span<float> own) {
        std::ranges::copy(values, own.begin());
      });
    }
    const std::vector<float> table = values_of(tied.parameters().find("encoder.weight")->var);
    for (std::size_t i = 0; i < H * V; ++i) {
      test::set_element(separate, "decoder.weight", i, table[i % V * H + i / V]);
    }
    separate.parameters().updated();

    const auto gradients_of = [&](LanguageModel& model, float& loss_value) {
      RecurrentState state = model.zero_state(6);
      const Var loss = model.loss(ids, targets, state);
      loss.backward();
      loss_value = loss.item();
      return [&model](const char* name) { return on_host(model.parameters().find(name)->var.gradient()); };
    };
    float tied_loss = 0, separate_loss = 0;
    const auto of_tied = gradients_of(tied, tied_loss), of_separate = gradients_of(separate, separate_loss);
    EXPECT_EQ(tied_loss, separate_loss);
    for (const char* name : {"rnn.weight_ih_l0", "rnn.weight_hh_l1", "rnn.bias_hh_l0", "decoder.bias"}) {
      EXPECT_TRUE(std::ranges::equal(of_tied(name), of_separate(name))) << name;
    }
    for (std::size_t v = 0; v < V; ++v) {
      for (std::size_t h = 0; h < H; ++h) {
        const double looked_up = of_separate("encoder.weight")[v * H + h],
                     written = of_separate("decoder.weight")[h * V + v];
        // The tied gradient is summed in one chain of at most 60 positions for each use; the terms of a mean are below
        // 1.
        EXPECT_NEAR(of_tied("encoder.weight")[v * H + h], looked_up + written, 120 * epsilon / 2);
      }
    }
  }
}

TEST(LanguageModel, DrawsWeightsAsPyTorchOrAsTheTextbook) {
  Context context;
  const LanguageModelOptions pytorch{.hidden = 25, .embedding = 40};
  const LanguageModel uniform(context, letters(26), pytorch);
  for (const auto& entry : uniform.parameters().entries()) {
    const bool is_encoder = entry.name == "encoder.weight";
    float largest = 0;
    for (const float x : values_of(entry.var)) largest = std::max(largest, std::abs(x));
    EXPECT_GT(largest, is_encoder ? 2.0f : 0.15f) << entry.name;  // of at least 25 draws below 0.2
    EXPECT_LE(largest, is_encoder ? 6.0f : 0.2f) << entry.name;
  }
  LanguageModelOptions textbook = pytorch;
  textbook.init.standard_deviation = 0.01f;
  const LanguageModel normal(context, letters(26), textbook);
  for (const auto& entry : normal.parameters().entries()) {
    const bool is_bias = entry.name.find("bias") != std::string::npos;
    double squares = 0;
    for (const float x : values_of(entry.var)) squares += static_cast<double>(x) * static_cast<double>(x);
    const double deviation = std::sqrt(squares / static_cast<double>(entry.var.shape().size()));
    EXPECT_NEAR(deviation, is_bias ? 0 : 0.01, is_bias ? 0 : 0.001) << entry.name;
  }
}

TEST(LanguageModel, ZeroWeightsGivePerplexityV) {
  Context context;
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    LanguageModel model(context, letters(19), {.cell = cell, .hidden = 8, .layers = 2, .embedding = 3});
    test::multiply_parameters(model, 0);
    const Ids ids = scattered_ids(5, 3, 19), targets = scattered_ids(5, 3, 19, 2);
    RecurrentState state = model.zero_state(3), scored = model.zero_state(3);
    EXPECT_NEAR(std::exp(static_cast<double>(model.loss(ids, targets, state).item())), 19, 19 * 8 * epsilon);
    const LanguageModel::Score score = model.score(ids, targets, scored);
    EXPECT_EQ(score.symbols, 15);
    EXPECT_NEAR(std::exp(score.cross_entropy_sum / 15), 19, 19 * 8 * epsilon);
    EXPECT_EQ(score.correct, std::count(targets.flat().begin(), targets.flat().end(), 0)) << "first of equals";
  }
}

TEST(LanguageModel, SureAndRightGivesPerplexityOne) {
  Context context;
  const LanguageModel model = test::successor_model(context, 11);
  Ids ids = scattered_ids(6, 4, 11), targets = ids;
  for (std::int32_t& target : targets.flat()) target = (target + 1) % 11;
  RecurrentState state = model.zero_state(4);
  const LanguageModel::Score right = model.score(ids, targets, state);
  EXPECT_NEAR(std::exp(right.cross_entropy_sum / 24), 1, epsilon);
  EXPECT_EQ(right.correct, 24);
  state = model.zero_state(4);
  EXPECT_NEAR(model.loss(ids, targets, state).item(), 0, epsilon);
  state = model.zero_state(4);
  const LanguageModel::Score wrong = model.score(ids, ids, state);
  EXPECT_NEAR(wrong.cross_entropy_sum / 24, 200, 200 * epsilon);
  EXPECT_EQ(wrong.correct, 0);
}

TEST(LanguageModel, LossAndScoreAgreeAndCarryTheSameState) {
  Context context;
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    const LanguageModel model(context, letters(13), {.cell = cell, .hidden = 9, .layers = 2});
    RecurrentState trained = model.zero_state(2), scored = model.zero_state(2);
    for (std::uint32_t window = 0; window < 3; ++window) {
      const Ids ids = scattered_ids(4, 2, 13, window), targets = scattered_ids(4, 2, 13, window + 9);
      const Var loss = model.loss(ids, targets, trained);
      const LanguageModel::Score score = model.score(ids, targets, scored);
      EXPECT_NEAR(score.cross_entropy_sum / 8, loss.item(), 3 * epsilon);
      EXPECT_EQ(values_of(trained.h), values_of(scored.h));
      if (cell == CellType::lstm) {
        EXPECT_EQ(values_of(trained.c), values_of(scored.c));
      }
    }
  }
}

TEST(LanguageModel, NamesTheOptionThatIsOutOfRange) {
  Context context;
  const auto with = [&](auto change) {
    LanguageModelOptions options;
    change(options);
    return message_of(ExitCode::usage, [&] { LanguageModel(context, letters(5), options); });
  };
  EXPECT_THAT(with([](auto& o) { o.hidden = 0; }), HasSubstr("hidden '0': must be a whole number from 1 to 65536"));
  EXPECT_THAT(with([](auto& o) { o.hidden = 65537; }), HasSubstr("hidden '65537'"));
  EXPECT_THAT(with([](auto& o) { o.layers = 0; }), HasSubstr("layers '0'"));
  EXPECT_THAT(with([](auto& o) { o.layers = 257; }), HasSubstr("layers '257'"));
  EXPECT_THAT(with([](auto& o) { o.embedding = -1; }), HasSubstr("embedding '-1'"));
  EXPECT_THAT(with([](auto& o) { o.tied = true; }),
              HasSubstr("tied makes one weight of embedding and output layer: it needs embedding 256, as hidden"));
  EXPECT_THAT(with([](auto& o) {
                o.tied = true;
                o.embedding = 2 * o.hidden;
              }),
              HasSubstr("it needs embedding 256, as hidden"));
  EXPECT_THAT(with([](auto& o) { o.dropout = 1; }), HasSubstr("dropout '1'"));
  EXPECT_THAT(with([](auto& o) { o.dropout = std::nanf(""); }), HasSubstr("dropout 'nan'"));
  EXPECT_THAT(with([](auto& o) { o.init.standard_deviation = -1; }), HasSubstr("init 'normal:-1'"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { LanguageModel(context, Tokenizer(), {}); }),
              HasSubstr("vocabulary is empty"));
}

TEST(LanguageModel, NamesWhatDoesNotFitInACall) {
  Context context;
  const LanguageModel model(context, letters(5), {.hidden = 4});
  RecurrentState state = model.zero_state(2);
  const Ids ids = scattered_ids(3, 2, 5);
  EXPECT_THAT(message_of(ExitCode::usage, [&] { model.loss(ids, scattered_ids(2, 2, 5), state); }),
              HasSubstr("3 x 2 symbols"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { model.score(ids, scattered_ids(3, 1, 5), state); }),
              HasSubstr("3 x 1 targets"));
  Ids foreign = ids;
  foreign[1][1] = 5;
  EXPECT_THAT(message_of(ExitCode::usage, [&] { model.score(ids, foreign, state); }), HasSubstr("target"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { model.loss(ids, foreign, state); }), HasSubstr("target"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { model.loss(foreign, ids, state); }), HasSubstr("index"));
  RecurrentState small = model.zero_state(1);
  EXPECT_THAT(message_of(ExitCode::usage, [&] { model.loss(ids, ids, small); }), HasSubstr("[1, 1, 4]"));
}

}  // namespace
}  // namespace unroll
