#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "io/error_of.h"
#include "language/model_fixtures.h"
#include "unroll/error.h"
#include "unroll/session.h"

namespace unroll {
namespace {

using test::letters;
using test::successor_model;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(Generate, GreedyTextIsWhatTheModelFindsMostProbable) {
  Context context({.seed = 5});
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    LanguageModel model(context, letters(12), {.cell = cell, .hidden = 16});
    test::multiply_parameters(model, 4);  // so that the text is not one repeated symbol
    model.parameters().updated();
    const std::string text = generate(model, "cab", {.length = 40});
    ASSERT_EQ(text.size(), 43u);
    const std::vector<std::int32_t> ids = model.vocabulary().encode(text);
    Ids inputs(42, 1), targets(42, 1);
    std::copy(ids.begin(), ids.end() - 1, inputs.flat().begin());
    std::copy(ids.begin() + 1, ids.end(), targets.flat().begin());
    RecurrentState state = model.zero_state(1);
    const LanguageModel::Score whole = model.score(inputs, targets, state);
    Ids first(2, 1), given(2, 1);
    std::copy_n(inputs.flat().begin(), 2, first.flat().begin());
    std::copy_n(targets.flat().begin(), 2, given.flat().begin());
    state = model.zero_state(1);
    EXPECT_EQ(whole.correct - model.score(first, given, state).correct, 40) << text;
  }
}

TEST(Generate, LengthCountsNewSymbols) {
  Context context;
  const LanguageModel model = successor_model(context, 6);
  EXPECT_EQ(generate(model, "ab", {.length = 5}), "abcdefa");
  EXPECT_EQ(generate(model, "ab", {.length = 1}), "abc");
  EXPECT_EQ(generate(model, "ab", {.length = 0}), "ab");
  EXPECT_EQ(generate(model, "", {.length = 0}), "");
  const std::string text = generate(model, "", {.length = 4});
  ASSERT_EQ(text.size(), 4u);
  EXPECT_EQ(generate(model, text.substr(0, 1), {.length = 3}), text) << "the first is drawn, the model goes on";
}

TEST(Generate, WithoutAPrefixBeginsAsOftenAsTheCorpusHasIt) {
  Context context;
  const LanguageModel model = successor_model(context, 4);  // counts 4 3 2 1
  std::map<std::string, int> seen;
  constexpr int draws = 2000;
  for (std::uint64_t seed = 0; seed < draws; ++seed) ++seen[generate(model, "", {.length = 1, .seed = seed})];
  double chi_square = 0;
  for (int id = 0; id < 4; ++id) {
    const double expected = draws * (4 - id) / 10.0;
    chi_square += std::pow(seen[std::string(model.vocabulary().text(id))] - expected, 2) / expected;
  }
  RecordProperty("chi_square", fmt::format("{:.2f}", chi_square));
  EXPECT_LT(chi_square, 16.27) << "0.999 quantile of chi-square, 3 degrees of freedom";
}

TEST(Generate, WorksWithAVocabularyWithoutCounts) {
  Context context;
  const LanguageModel model(context, Tokenizer::from(TokenUnit::character, {"a", "b"}, {0, 0}), {.hidden = 2});
  std::string all;
  for (std::uint64_t seed = 0; seed < 50; ++seed) all += generate(model, "", {.length = 1, .seed = seed});
  EXPECT_THAT(all, AllOf(HasSubstr("a"), HasSubstr("b")));
}

/// A model whose logits are `logits` after any text.
LanguageModel constant_model(Context& context, const std::vector<float>& logits) {
  LanguageModel model(context, letters(static_cast<int>(logits.size())), {.hidden = 2});
  test::multiply_parameters(model, 0);
  test::edit_parameter(model, "decoder.bias", [&](std::span<float> bias) { std::ranges::copy(logits, bias.begin()); });
  return model;
}

TEST(Generate, TemperatureDrawsFromTheTemperedSoftmax) {
  Context context;
  const std::vector<float> logits = {1, -0.5f, 2, 0, 1};
  const LanguageModel model = constant_model(context, logits);
  for (const float temperature : {0.5f, 1.0f, 3.0f}) {
    constexpr int draws = 4000;
    const std::string text = generate(model, "a", {.length = draws, .temperature = temperature, .seed = 8});
    double total = 0, chi_square = 0;
    for (const float logit : logits) total += std::exp(logit / temperature);
    for (int id = 0; id < 5; ++id) {
      const double expected = draws * std::exp(logits[static_cast<std::size_t>(id)] / temperature) / total;
      const auto seen = std::count(text.begin() + 1, text.end(), static_cast<char>('a' + id));
      chi_square += std::pow(static_cast<double>(seen) - expected, 2) / expected;
    }
    fmt::print("temperature {}: chi-square {:.2f} of 18.47\n", temperature, chi_square);
    EXPECT_LT(chi_square, 18.47) << "0.999 quantile of chi-square, 4 degrees of freedom";
  }
}

TEST(Generate, DrawsDependOnSeedAndPositionOnly) {
  Context context;
  const LanguageModel model = constant_model(context, {0, 0, 0, 0, 0, 0});
  const GenerateOptions options{.length = 30, .temperature = 1, .seed = 3};
  const std::string text = generate(model, "a", options);
  EXPECT_EQ(generate(model, "a", options), text);
  EXPECT_NE(generate(model, "a", {.length = 30, .temperature = 1, .seed = 4}), text);
  GenerateOptions rest = options;
  rest.length = 20;
  EXPECT_EQ(generate(model, text.substr(0, 11), rest), text) << "stopped and taken up again";
}

TEST(Generate, GreedyTakesTheFirstOfEquals) {
  Context context;
  EXPECT_EQ(generate(constant_model(context, {0, 2, 1, 2}), "a", {.length = 3}), "abbb");
}

TEST(Generate, StaysFiniteAtAnyTemperatureAndAnyLogits) {
  Context context;
  const float huge = std::numeric_limits<float>::max();
  const LanguageModel model = constant_model(context, {-huge, huge, 0, -huge});
  for (const float temperature : {0.0f, std::numeric_limits<float>::denorm_min(), 1e-30f, 1.0f, 1e30f}) {
    EXPECT_EQ(generate(model, "a", {.length = 3, .temperature = temperature, .seed = 2}), "abbb") << temperature;
  }
  const std::string flat = generate(model, "a", {.length = 40, .temperature = huge, .seed = 2});
  EXPECT_THAT(flat, HasSubstr("c")) << "at a temperature above the logits nothing is impossible";
}

TEST(Generate, StopsWhereTheModelHasDiverged) {
  Context context;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    const LanguageModel model = constant_model(context, {0, bad, 1});
    for (const float temperature : {0.0f, 1.0f}) {
      EXPECT_THAT(message_of(ExitCode::diverged, [&] { generate(model, "ab", {.temperature = temperature}); }),
                  HasSubstr("position 2"));
    }
  }
}

TEST(Generate, StreamsWholeSymbolsAsTheyCome) {
  Context context;
  LanguageModel model(context, Tokenizer::from(TokenUnit::character, {"分", "开", "\U0001F600", "a"}, {1, 1, 1, 1}),
                      {.hidden = 4});
  std::vector<std::string> pieces;
  const auto keep = [&](std::string_view piece) {
    pieces.emplace_back(piece);
    return true;
  };
  const std::string text = generate(model, "分开", {.length = 30, .temperature = 5, .seed = 1}, keep);
  ASSERT_EQ(pieces.size(), 31u);
  EXPECT_EQ(pieces.front(), "分开");
  std::string joined;
  for (const std::string& piece : pieces) joined += piece;
  EXPECT_EQ(joined, text);
  for (std::size_t i = 1; i < pieces.size(); ++i) EXPECT_EQ(model.vocabulary().encode(pieces[i]).size(), 1u);
  EXPECT_THAT(text, AllOf(HasSubstr("\U0001F600"), HasSubstr("a")));
}

TEST(Generate, EndsWhenTheCallbackReturnsFalse) {
  Context context;
  const LanguageModel model = successor_model(context, 6);
  int calls = 0;
  EXPECT_EQ(generate(model, "ab", {.length = 100}, [&](std::string_view) { return ++calls < 3; }), "abcd");
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(generate(model, "ab", {.length = 100}, [](std::string_view) { return false; }), "ab");
}

/// Prefixes of different lengths, empty ones included, in pseudo-random order.
std::vector<std::string> ragged_prefixes(int count) {
  std::vector<std::string> prefixes;
  for (const std::int32_t length : test::pseudo_random_ids(count, 9)) {
    prefixes.push_back(std::string("cabbagefa").substr(0, static_cast<std::size_t>(length)));
  }
  return prefixes;
}

TEST(GenerateMany, GreedyTextsAreThoseOfSingleCalls) {
  Context context({.seed = 2, .threads = 2});
  for (const CellType cell : {CellType::rnn, CellType::gru, CellType::lstm}) {
    LanguageModel model(context, letters(9), {.cell = cell, .hidden = 24, .layers = 2});
    test::multiply_parameters(model, 4);
    model.parameters().updated();
    std::vector<std::string> prefixes = ragged_prefixes(300);
    std::erase(prefixes, "");  // without a prefix the first symbol is sampled
    const std::vector<std::string> texts = generate(model, prefixes, {.length = 15});
    ASSERT_EQ(texts.size(), prefixes.size());
    for (std::size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(texts[i], generate(model, prefixes[i], {.length = 15}));
  }
}

TEST(GenerateMany, DrawsDependOnSeedIndexAndPositionOnly) {
  Context context({.seed = 2});
  const LanguageModel model(context, letters(9), {.cell = CellType::gru, .hidden = 24});
  const GenerateOptions options{.length = 20, .temperature = 1, .seed = 5};
  const std::vector<std::string> prefixes = ragged_prefixes(40);
  const std::vector<std::string> texts = generate(model, prefixes, options);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(texts[i].substr(0, prefixes[i].size()), prefixes[i]);
    EXPECT_EQ(texts[i].size(), prefixes[i].size() + 20);
    std::vector<std::string> other_company(i + 1, "abcdefghia");
    other_company.back() = prefixes[i];
    EXPECT_EQ(generate(model, other_company, options).back(), texts[i]) << i;
  }
  for (const std::string& prefix : prefixes) {
    EXPECT_EQ(generate(model, std::vector{prefix}, options).front(), generate(model, prefix, options));
  }
  const std::vector<std::string> equal = generate(model, std::vector<std::string>(8, "a"), options);
  EXPECT_EQ(std::set<std::string>(equal.begin(), equal.end()).size(), 8u) << "texts draw for themselves";
}

TEST(GenerateMany, KnowsTheEdgeCases) {
  Context context;
  const LanguageModel model = successor_model(context, 6);
  EXPECT_TRUE(generate(model, std::vector<std::string>(), {.length = 3}).empty());
  EXPECT_THAT(generate(model, std::vector<std::string>{"ab", "", "f"}, {.length = 0}), ElementsAre("ab", "", "f"));
  EXPECT_THAT(generate(model, {"ab", "f", "cde"}, {.length = 3}), ElementsAre("abcde", "fabc", "cdefab"));
  EXPECT_THAT(generate(model, {"ab", "f"}, {.length = 1}), ElementsAre("abc", "fa"));
  EXPECT_THAT(message_of(ExitCode::bad_data,
                         [&] {
                           generate(model, std::vector<std::string>{"a", "Z"}, {});
                         }),
              HasSubstr("Z"));
  EXPECT_THAT(message_of(ExitCode::usage, [&] { generate(model, std::vector<std::string>{"a"}, {.length = -1}); }),
              HasSubstr("length '-1'"));
  const LanguageModel diverged = constant_model(context, {0, std::nanf(""), 1});
  EXPECT_THAT(message_of(ExitCode::diverged,
                         [&] {
                           generate(diverged, std::vector<std::string>{"ab", "a"}, {});
                         }),
              HasSubstr("position 1"))
      << "the shorter one comes to it first";
}

TEST(Generate, NamesUnknownSymbolsOrSkipsThem) {
  Context context;
  const LanguageModel model = successor_model(context, 6);
  EXPECT_THAT(message_of(ExitCode::bad_data, [&] { generate(model, "aZb分", {}); }),
              AllOf(HasSubstr("Z"), HasSubstr("分")));
  EXPECT_EQ(generate(model, "aZb分", {.length = 2, .unknown = Unknown::skip}), "abcd");
  EXPECT_EQ(generate(model, "ZZ", {.length = 3, .unknown = Unknown::skip}).size(), 3u) << "as without a prefix";
  EXPECT_EQ(generate(model, "ZZ", {.length = 3, .unknown = Unknown::skip}), generate(model, "", {.length = 3}));
  EXPECT_THAT(message_of(ExitCode::bad_data, [&] { generate(model, "a\xff", {}); }), HasSubstr("prefix"));
}

TEST(Generate, ReadsLineEndsAsTheModelsTextWasRead) {
  Context context;
  const auto model = [&](Newlines newlines) {
    return LanguageModel(context, Tokenizer::from(TokenUnit::character, {" ", "\n", "a"}, {1, 1, 1}),
                         {.hidden = 2, .newlines = newlines});
  };
  EXPECT_EQ(generate(model(Newlines::space), "a\r\na\ra\na", {.length = 0}), "a a a a");
  EXPECT_EQ(generate(model(Newlines::keep), "a\r\na\ra\na", {.length = 0}), "a\na\na\na");
}

TEST(Generate, NamesTheOptionThatIsOutOfRange) {
  Context context;
  const LanguageModel model = successor_model(context, 6);
  const auto refused = [&](const GenerateOptions& options) {
    return message_of(ExitCode::usage, [&] { generate(model, "a", options); });
  };
  EXPECT_THAT(refused({.length = -1}), HasSubstr("length '-1'"));
  EXPECT_THAT(refused({.temperature = -0.5f}), HasSubstr("temperature '-0.5'"));
  EXPECT_THAT(refused({.temperature = std::nanf("")}), HasSubstr("temperature 'nan'"));
  EXPECT_THAT(refused({.temperature = std::numeric_limits<float>::infinity()}), HasSubstr("temperature 'inf'"));
}

}  // namespace
}  // namespace unroll
