#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "device/every_target.h"
#include "io/error_of.h"
#include "language/model_fixtures.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using test::letters;
using test::scattered_ids;
using ::testing::HasSubstr;

/// The network of `model`, with the same parameters, built from the layers that training uses.
class WholeSequence {
 public:
  explicit WholeSequence(const LanguageModel& model) : parameters_(model.context()) {
    const LanguageModelOptions& o = model.options();
    const int symbols = model.vocabulary().size();
    if (o.embedding > 0) encoder_.emplace(parameters_, "encoder", symbols, o.embedding, Zero{});
    recurrent_.emplace(
        parameters_, "rnn", o.embedding > 0 ? o.embedding : symbols,
        RecurrentOptions{
            .cell = o.cell, .activation = o.activation, .hidden = o.hidden, .layers = o.layers, .biases = o.biases},
        Zero{}, Zero{});
    decoder_.emplace(parameters_, "decoder", o.hidden, symbols, Zero{}, Zero{});
    const std::span<const float> values = model.parameters().values();
    EXPECT_EQ(static_cast<std::size_t>(parameters_.size()), values.size());
    std::copy(values.begin(), values.end(), parameters_.values().begin());
    parameters_.updated();
  }

  /// Logits [T, B, V].
  std::vector<float> logits(const Ids& ids) const {
    const RecurrentState zero = recurrent_->zero_state(ids.batch());
    const Var output = encoder_ ? (*recurrent_)((*encoder_)(ids), zero).output : (*recurrent_)(ids, zero).output;
    return test::values_of((*decoder_)(output));
  }

 private:
  Parameters parameters_;
  std::optional<Embedding> encoder_;
  std::optional<Recurrent> recurrent_;
  std::optional<Linear> decoder_;
};

std::vector<float> step_by_step(Predictor& predictor, const Ids& ids) {
  std::vector<float> all;
  for (int t = 0; t < ids.steps(); ++t) {
    predictor.feed(ids[t]);
    const View logits = predictor.logits(0, ids.batch());
    EXPECT_EQ(logits.shape[0], ids.batch());
    all.insert(all.end(), logits.span().begin(), logits.span().end());
  }
  return all;
}

void expect_the_bits_of_the_whole_sequence(Context& context, int symbols, const LanguageModelOptions& options,
                                           const Ids& ids) {
  SCOPED_TRACE(fmt::format("{} gates, H {}, {} layers, embedding {}, V {}, B {}, {} threads", gate_count(options.cell),
                           options.hidden, options.layers, options.embedding, symbols, ids.batch(), context.threads()));
  const LanguageModel model(context, letters(symbols), options);
  Predictor predictor(model, ids.batch());
  ASSERT_EQ(step_by_step(predictor, ids), WholeSequence(model).logits(ids));
}

TEST(Predictor, GivesTheBitsOfTheWholeSequence) {
  test::on_every_target([] {
    for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
      for (int hidden = 1; hidden <= 70; hidden += hidden < 20 ? 1 : 7) {
        Context context({.seed = static_cast<std::uint64_t>(hidden), .threads = 1 + hidden % 3});
        const LanguageModelOptions options{.cell = cell,
                                           .activation = static_cast<Activation>(hidden % 3),
                                           .hidden = hidden,
                                           .layers = 1 + hidden % 2,
                                           .embedding = hidden % 4 < 2 ? 0 : 1 + hidden / 2,
                                           .biases = hidden % 5 == 0 ? Biases::one : Biases::two};
        const int symbols = 2 * hidden + 1;
        expect_the_bits_of_the_whole_sequence(context, symbols, options,
                                              scattered_ids(3, hidden % 3 == 0 ? 1 + hidden % 11 : 1, symbols));
      }
    }
  });
}

/// The sizes are large enough that a step is divided among the threads.
TEST(Predictor, GivesTheSameBitsOnAnyNumberOfThreads) {
  test::on_every_target([] {
    for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
      for (const int threads : {1, 2, 3}) {
        for (const int texts : {1, 29}) {
          Context context({.threads = threads});
          expect_the_bits_of_the_whole_sequence(context, 701, {.cell = cell, .hidden = 205, .embedding = 190},
                                                scattered_ids(2, texts, 701));
        }
      }
    }
  });
}

TEST(Predictor, RunsOnTheReferenceDevice) {
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    for (const int embedding : {0, 5}) {
      Context context({.device = DeviceKind::reference});
      expect_the_bits_of_the_whole_sequence(
          context, 13, {.cell = cell, .hidden = 7, .layers = 2, .embedding = embedding}, scattered_ids(4, 3, 13));
    }
  }
}

TEST(Predictor, TextsThatEndLeaveTheOthersAlone) {
  Context context;
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    const LanguageModel model(context, letters(19), {.cell = cell, .hidden = 21, .layers = 2});
    const Ids ids = scattered_ids(7, 9, 19);
    Predictor predictor(model, 9);
    const std::vector<float> whole = WholeSequence(model).logits(ids);
    const int texts[] = {9, 9, 8, 5, 5, 2, 1};
    for (int t = 0; t < 7; ++t) {
      predictor.feed(ids[t].first(static_cast<std::size_t>(texts[t])));
      for (int first = 0; first < texts[t]; ++first) {
        const int count = texts[t] - first;
        const std::span<const float> logits = predictor.logits(first, count).span();
        const auto expected = std::span(whole).subspan(static_cast<std::size_t>((t * 9 + first) * 19), logits.size());
        ASSERT_TRUE(std::equal(logits.begin(), logits.end(), expected.begin())) << "step " << t;
      }
    }
  }
}

TEST(Predictor, NamesWhatItCannotDo) {
  Context context;
  LanguageModel model(context, letters(5), {.hidden = 4});
  EXPECT_THAT(message_of(ExitCode::usage, [&] { Predictor(model, 0); }), HasSubstr("0 texts"));
  Predictor predictor(model, 2);
  EXPECT_THAT(message_of(ExitCode::usage, [&] { predictor.logits(); }), HasSubstr("0 were fed"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { predictor.feed(5); }), HasSubstr("predictor: symbol"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { predictor.feed(-1); }), HasSubstr("predictor: symbol"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { predictor.feed(std::span<const std::int32_t>()); }),
              HasSubstr("0 symbols"));
  EXPECT_THAT(message_of(ExitCode::usage,
                         [&] {
                           predictor.feed(std::vector<std::int32_t>{1, 2, 3});
                         }),
              HasSubstr("give 1 to 2"));
  predictor.feed(1);
  EXPECT_THAT(message_of(ExitCode::usage, [&] { predictor.logits(0, 2); }), HasSubstr("1 were fed"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { predictor.logits(-1); }), HasSubstr("1 were fed"));
  EXPECT_THAT(message_of(ExitCode::usage,
                         [&] {
                           predictor.feed(std::vector<std::int32_t>{1, 2});
                         }),
              HasSubstr("give 1 to 1"));
  model.parameters().updated();
  EXPECT_THAT(message_of(ExitCode::usage, [&] { predictor.feed(1); }), HasSubstr("the parameters have changed"));
}

TEST(Predictor, RefusesAModelThatSeesTheFuture) {
  Context context;
  const LanguageModel model(context, letters(5), {.hidden = 4, .bidirectional = true});
  EXPECT_THAT(message_of(ExitCode::usage, [&] { Predictor predictor(model); }), HasSubstr("sees the future"));
  RecurrentState state = model.zero_state(1);
  EXPECT_NO_THROW(model.score(scattered_ids(3, 1, 5), scattered_ids(3, 1, 5), state)) << "scoring is fine";
}

}  // namespace
}  // namespace unroll
