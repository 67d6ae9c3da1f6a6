#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "language/model_fixtures.h"
#include "unroll/error.h"
#include "unroll/session.h"

namespace unroll {
namespace {

using test::letters;
using test::pseudo_random_ids;
using ::testing::HasSubstr;

/// Logits of the first `count` symbols after a text of the first five symbols.
std::vector<float> logits_of(const LanguageModel& model, int count) {
  Session session(model.pack(), model.context());
  for (const std::int32_t id : pseudo_random_ids(20, 5)) session.feed(id);
  std::vector<float> logits = on_host(session.logits().view());
  logits.resize(static_cast<std::size_t>(count));
  return logits;
}

/// In a larger vocabulary, the old symbols have the same logits as before.
TEST(TakeWeights, OldSymbolsStayAsTheyAre) {
  for (const LanguageModelOptions& options :
       {LanguageModelOptions{.cell = CellType::gru, .hidden = 8, .layers = 2},
        LanguageModelOptions{.cell = CellType::lstm, .hidden = 8, .embedding = 3},
        LanguageModelOptions{.hidden = 8, .embedding = 8, .tied = true, .biases = Biases::one}}) {
    Context old_context({.seed = 1}), new_context({.seed = 2});
    const LanguageModel from(old_context, letters(5), options);
    LanguageModel to(new_context, letters(7), options);
    const std::vector<float> before = logits_of(to, 7);
    to.copy_weights_from(from);
    const std::vector<float> after = logits_of(to, 7);
    EXPECT_EQ(std::vector<float>(after.begin(), after.begin() + 5), logits_of(from, 5));
    EXPECT_NE(after, before);
    EXPECT_NE(after[5], after[6]) << "new symbols keep what they were drawn with";
  }
}

std::string complaint(const LanguageModelOptions& from, int from_symbols, const LanguageModelOptions& to,
                      int to_symbols) {
  Context context;
  const LanguageModel source(context, letters(from_symbols), from);
  LanguageModel target(context, letters(to_symbols), to);
  try {
    target.copy_weights_from(source);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing";
}

TEST(TakeWeights, OtherModelsAreRefused) {
  const LanguageModelOptions options{.hidden = 4, .embedding = 3};
  EXPECT_EQ(complaint(options, 5, options, 5), "nothing");
  EXPECT_THAT(complaint(options, 6, options, 5), HasSubstr("does not begin with"));
  EXPECT_THAT(complaint(options, 5, {.hidden = 4, .embedding = 4}, 5),
              HasSubstr("its encoder.weight is [5, 4] for the other's symbols, the other's [5, 3]"));
  EXPECT_THAT(complaint(options, 5, {.hidden = 5, .embedding = 3}, 5), HasSubstr("its rnn.weight_ih_l0 is [3, 5]"));
  EXPECT_THAT(complaint({.hidden = 4, .layers = 2}, 5, {.hidden = 4}, 5), HasSubstr("different parameters"));
  EXPECT_THAT(complaint({.hidden = 4}, 5, {.cell = CellType::gru, .hidden = 4}, 5),
              HasSubstr("its rnn.weight_ih_l0 is [5, 12]"));
}

}  // namespace
}  // namespace unroll
