#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "language/model_fixtures.h"
#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {
namespace {

using test::letters;
using test::pseudo_random_ids;

constexpr int scored_vocabulary = 9;

/// Score of targets begin .. end-1 of the text, read symbol by symbol from `from` on.
LanguageModel::Score alone(const LanguageModel& model, std::span<const std::int32_t> text, std::size_t from,
                           std::size_t begin, std::size_t end) {
  RecurrentState state = model.zero_state(1);
  LanguageModel::Score total;
  for (std::size_t at = from; at + 1 < end; ++at) {
    Ids id(1, 1), target(1, 1);
    id[0][0] = text[at];
    target[0][0] = text[at + 1];
    const LanguageModel::Score score = model.score(id, target, state);
    if (at + 1 < begin) continue;
    total.cross_entropy_sum += score.cross_entropy_sum;
    total.symbols += score.symbols;
    total.correct += score.correct;
  }
  return total;
}

class Score : public ::testing::TestWithParam<CellType> {
 protected:
  LanguageModel model() {
    return LanguageModel(context_, letters(scored_vocabulary), {.cell = GetParam(), .hidden = 6});
  }

  Context context_{{.seed = 4}};
};

TEST_P(Score, OfAShortTextIsThatOfOneSequence) {
  const LanguageModel model = this->model();
  for (const int length : {2, 3, 700, 4095}) {
    const std::vector<std::int32_t> text = pseudo_random_ids(length, scored_vocabulary);
    const LanguageModel::Score score = model.score(text), expected = alone(model, text, 0, 1, text.size());
    EXPECT_EQ(score.symbols, length - 1);
    EXPECT_EQ(score.correct, expected.correct);
    EXPECT_NEAR(score.cross_entropy_sum, expected.cross_entropy_sum, 1e-6 * expected.cross_entropy_sum) << length;
  }
}

/// A text of 4102 symbols has 4096 + 5 targets and is scored in two parts. The second part reads `lead` symbols before
/// it scores.
TEST_P(Score, OfALongTextIsThatOfItsParts) {
  const LanguageModel model = this->model();
  const std::vector<std::int32_t> text = pseudo_random_ids(4102, scored_vocabulary);
  constexpr std::size_t targets = 4101, part = (targets - 256) / 2, lead = targets - 2 * part;
  const LanguageModel::Score first = alone(model, text, 0, 1, 1 + lead + part),
                             second = alone(model, text, part, 1 + lead + part, text.size()), score = model.score(text);
  EXPECT_EQ(score.symbols, static_cast<std::int64_t>(targets)) << "each symbol once, the last one too";
  EXPECT_EQ(score.symbols, first.symbols + second.symbols);
  EXPECT_EQ(score.correct, first.correct + second.correct);
  const double expected = first.cross_entropy_sum + second.cross_entropy_sum;
  EXPECT_NEAR(score.cross_entropy_sum, expected, 1e-6 * expected);
}

TEST_P(Score, CountsEverySymbolOfAnyLength) {
  const LanguageModel model = this->model();
  for (const int length : {4096, 4097, 6200, 20'001}) {
    EXPECT_EQ(model.score(pseudo_random_ids(length, scored_vocabulary)).symbols, length - 1);
  }
}

INSTANTIATE_TEST_SUITE_P(Cells, Score, ::testing::Values(CellType::rnn, CellType::gru, CellType::lstm));

TEST(ScoreOfATooShortText, IsRefused) {
  Context context;
  const LanguageModel model(context, letters(scored_vocabulary), {.hidden = 3});
  EXPECT_THROW(model.score(pseudo_random_ids(1, scored_vocabulary)), Error);
}

TEST(ScoreOfAPart, ThatDoesNotExistIsRefused) {
  Context context;
  const LanguageModel model(context, letters(scored_vocabulary), {.hidden = 2});
  const auto text = pseudo_random_ids(20, scored_vocabulary);
  for (const auto& [part, parts] : {std::pair{0, 0}, {5, 2}, {2, 2}, {-1, 2}, {0, -1}})
    EXPECT_THROW(model.score_part(text, part, parts), Error) << part << " of " << parts;
}

}  // namespace
}  // namespace unroll
