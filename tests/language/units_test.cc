#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numbers>

#include "io/error_of.h"
#include "io/safetensors.h"
#include "io/utf8.h"
#include "language/model_fixtures.h"
#include "unroll/error.h"
#include "unroll/language_task.h"
#include "unroll/session.h"
#include "unroll/trainer.h"

// Language models of characters, bytes and words.

namespace unroll {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TokenUnit units[] = {TokenUnit::character, TokenUnit::byte, TokenUnit::word};

constexpr std::string_view poem =
    "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。\nThe night's wind and rain: how many flowers have fallen?\n";

std::string repeated(std::string_view text, int times) {
  std::string result;
  for (int i = 0; i < times; ++i) result += text;
  return result;
}

/// A model that has learned the poem by heart.
LanguageModel trained_on_poem(Context& context, TokenUnit unit) {
  const Corpus corpus = Corpus::from_text(repeated(poem, 6), {.unit = unit});
  LanguageModel model(context, corpus.vocabulary(), {.cell = CellType::gru, .hidden = 48});
  Adam optimizer(model.parameters(), {.learning_rate = 1e-2f});
  LanguageTask task(model, corpus, {.batch = 2, .window = 12});
  Trainer trainer(task, optimizer, {.epochs = unit == TokenUnit::byte ? 12 : 25, .clip_norm = 1});
  trainer.run();
  return model;
}

class Units : public ::testing::TestWithParam<TokenUnit> {
 protected:
  const std::string path_ = ::testing::TempDir() + "units_" + std::to_string(static_cast<int>(GetParam()));
};
std::string name_of(const ::testing::TestParamInfo<TokenUnit>& unit) {
  return unit.param == TokenUnit::character ? "Characters" : unit.param == TokenUnit::byte ? "Bytes" : "Words";
}
INSTANTIATE_TEST_SUITE_P(All, Units, ::testing::ValuesIn(units), name_of);

TEST_P(Units, GoThroughAModelFile) {
  Context context({.seed = 1, .threads = 1});
  const LanguageModel model = trained_on_poem(context, GetParam());
  model.save(path_);
  const LanguageModel loaded = LanguageModel::load(context, path_);
  EXPECT_EQ(loaded.vocabulary(), model.vocabulary());
  EXPECT_EQ(loaded.vocabulary().unit(), GetParam());
  const std::string text = generate(model, "春眠", {.length = 60});
  EXPECT_EQ(generate(loaded, "春眠", {.length = 60}), text);
  EXPECT_TRUE(std::string(poem).starts_with(text.substr(0, 30))) << text;
  const auto metadata = SafetensorsFile::read(path_).metadata();
  const bool characters = GetParam() == TokenUnit::character;
  EXPECT_EQ(metadata.at("format_version"), characters ? "1" : "2");
  EXPECT_EQ(nlohmann::json::parse(metadata.at("vocabulary")).contains("unit"), !characters);
  std::ifstream first(path_, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(first)), {});
  loaded.save(path_);
  std::ifstream second(path_, std::ios::binary);
  EXPECT_EQ(bytes, std::string((std::istreambuf_iterator<char>(second)), {}));
}

TEST_P(Units, StreamWholeUtf8) {
  Context context({.seed = 3, .threads = 1});
  const LanguageModel model = trained_on_poem(context, GetParam());
  for (const float temperature : {0.0f, 1.0f, 8.0f}) {  // at the last one bytes are hardly ever UTF-8
    for (const char* prefix : {"", "夜", "夜来 the"}) {
      std::string joined;
      const auto keep = [&](std::string_view piece) {
        EXPECT_FALSE(piece.empty());
        EXPECT_EQ(first_invalid_utf8(piece), piece.size());
        joined += piece;
        return true;
      };
      const GenerateOptions options{.length = 100, .temperature = temperature, .seed = 5, .unknown = Unknown::skip};
      const std::string text = generate(model, prefix, options, keep);
      EXPECT_EQ(joined, text);
      EXPECT_EQ(generate(model, {std::string(prefix)}, options).front(), text);
    }
  }
}

TEST_P(Units, CountTheBytesOfTheValidationText) {
  Context context({.seed = 1, .threads = 1});
  const CorpusParts parts = Corpus::from_text(repeated(poem, 3), {.unit = GetParam()}).split(0.3);
  LanguageModel model(context, parts.training.vocabulary(), {.hidden = 8});
  LanguageTask task(model, parts.training, {.batch = 2, .window = 5}, parts.validation.ids());
  const LossSum loss = task.validation_loss();
  const std::string scored = parts.validation.text(1, parts.validation.size() - 1);
  double bits_per_byte = 0;
  for (const Metric& metric : task.validation_metrics(loss.sum / static_cast<double>(loss.count))) {
    if (metric.name == "bits_per_byte") bits_per_byte = metric.value;
  }
  EXPECT_NEAR(bits_per_byte, loss.sum / std::numbers::ln2 / static_cast<double>(scored.size()), 1e-12);
}

TEST(UnitsInOneText, AreComparableByBitsPerByte) {
  // A model that knows nothing has log2(V) bits for each token: of the byte model 8 for each byte.
  Context context({.threads = 1});
  const std::string text(poem);
  for (const TokenUnit unit : units) {
    const Corpus corpus = Corpus::from_text(text, {.unit = unit});
    LanguageModel model(context, corpus.vocabulary(), {.hidden = 2});
    test::multiply_parameters(model, 0);
    LanguageTask task(model, corpus, {.batch = 1, .window = 2}, corpus.ids());
    const LossSum loss = task.validation_loss();
    const auto metrics = task.validation_metrics(loss.sum / static_cast<double>(loss.count));
    const double bytes = static_cast<double>(text.size() - corpus.vocabulary().text(corpus.ids()[0]).size());
    const double expected = std::log2(corpus.vocabulary().size()) * static_cast<double>(corpus.size() - 1) / bytes;
    EXPECT_EQ(metrics[2].name, "bits_per_byte");
    EXPECT_NEAR(metrics[2].value, expected, 1e-5);
    if (unit == TokenUnit::byte) {
      EXPECT_NEAR(metrics[2].value, 8, 1e-5);
    }
  }
}

/// A model of bytes that continues every text with `bytes`, again and again.
LanguageModel cyclic_model(Context& context, const std::vector<std::string>& bytes) {
  const int count = static_cast<int>(bytes.size());
  const Tokenizer vocabulary = Tokenizer::from(TokenUnit::byte, bytes, std::vector<std::int64_t>(bytes.size(), 1));
  LanguageModel model(context, vocabulary, {.hidden = count});
  const LanguageModel successor = test::successor_model(context, count);
  model.parameters().set_values(successor.parameters().values_to_host());
  return model;
}

std::vector<std::string> pieces_of(const LanguageModel& model, std::string_view prefix, int length) {
  std::vector<std::string> pieces;
  generate(model, prefix, {.length = length}, [&](std::string_view piece) {
    pieces.emplace_back(piece);
    return true;
  });
  return pieces;
}

TEST(ByteModel, PassesOnACharacterWithItsLastByte) {
  Context context;
  const LanguageModel model = cyclic_model(context, {"\xe5", "\x88", "\x86", "a"});  // 分a
  EXPECT_THAT(pieces_of(model, "\xe5", 7), ElementsAre("分", "a", "分", "a"));
  EXPECT_THAT(pieces_of(model, "分\xe5\x88", 2), ElementsAre("分", "分", "a"))
      << "a prefix may end inside a character, which the model completes";
  EXPECT_THAT(pieces_of(model, "a", 3), ElementsAre("a", "分"));
  EXPECT_EQ(generate(model, "a", {.length = 3}), "a分");
}

TEST(ByteModel, ReplacesBytesThatAreNoUtf8) {
  Context context;
  const LanguageModel broken = cyclic_model(context, {"\xe5", "\x88", "z"});
  EXPECT_THAT(pieces_of(broken, "z", 4), ElementsAre("z", "\ufffdz", "\ufffd")) << "the last one ends inside";
  EXPECT_EQ(generate(broken, "z", {.length = 4}), "z\ufffdz\ufffd");
  EXPECT_EQ(generate(broken, "\xe5\x88", {.length = 0}), "\ufffd");
  EXPECT_EQ(generate(broken, "z", {.length = 9}, [](std::string_view) { return false; }), "z");
  EXPECT_EQ(generate(broken, "z\xe5", {.length = 9}, [](std::string_view) { return false; }), "z");
  int calls = 0;
  EXPECT_EQ(generate(broken, "z", {.length = 9}, [&](std::string_view) { return ++calls < 2; }), "z\ufffdz")
      << "nothing follows what was refused";
}

TEST(ByteModel, KnowsEveryPrefix) {
  Context context;
  const Corpus corpus = Corpus::from_text("abc", {.unit = TokenUnit::byte});
  const LanguageModel model(context, corpus.vocabulary(), {.hidden = 2});
  EXPECT_EQ(generate(model, "\ufeff分\r\n\xff", {.length = 0}), "\ufeff分\r\n\ufffd");
}

TEST(ByteModel, KeepsLineEnds) {
  Context context;
  const Tokenizer bytes = Tokenizer::of("x", TokenUnit::byte);
  EXPECT_THAT(message_of([&] { LanguageModel(context, bytes, {.hidden = 2, .newlines = Newlines::space}); }),
              HasSubstr("newlines must be keep"));
}

TEST(WordModel, ContinuesWords) {
  Context context;
  const Tokenizer words = Tokenizer::from(TokenUnit::word, {"the", " ", "cat"}, {1, 1, 1});
  LanguageModel model(context, words, {.hidden = 3});
  const LanguageModel successor = test::successor_model(context, 3);
  model.parameters().set_values(successor.parameters().values_to_host());
  EXPECT_THAT(pieces_of(model, "the ", 3), ElementsAre("the ", "cat", "the", " "));
  EXPECT_THAT(message_of([&] { generate(model, "the dog", {}); }), HasSubstr("lacks \"dog\"; "));
  EXPECT_EQ(generate(model, "the dog", {.length = 1, .unknown = Unknown::skip}), "the cat");
}

TEST(UnitsInOneText, OfModelAndCorpusMustAgree) {
  Context context;
  const Corpus characters = Corpus::from_text("abcabcabc"),
               words = Corpus::from_text("a b c a b c a b c", {.unit = TokenUnit::word});
  LanguageModel model(context, Tokenizer::from(TokenUnit::word, {"a", "b", "c"}, {3, 3, 3}), {.hidden = 2});
  EXPECT_THAT(message_of([&] { LanguageTask(model, characters, {.batch = 1, .window = 2}); }),
              HasSubstr("another vocabulary"));
  LanguageModel other(context, characters.vocabulary(), {.hidden = 2});
  EXPECT_THAT(message_of([&] { model.copy_weights_from(other); }),
              HasSubstr("does not begin with the other's symbols"));
}

}  // namespace
}  // namespace unroll
