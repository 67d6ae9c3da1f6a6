#include "unroll/tokenizer.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <set>

#include "io/error_of.h"
#include "text/code_points.h"
#include "text/words.h"
#include "unroll/corpus.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Tokens = std::vector<std::string>;
using Counts = std::vector<std::int64_t>;

/// The words that a text is divided into.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end) {
    end = word_end(text, begin, "the text");
    words.emplace_back(text.substr(begin, end - begin));
  }
  return words;
}

constexpr TokenUnit units[] = {TokenUnit::character, TokenUnit::byte, TokenUnit::word};

TEST(Tokenizer, OrdersByCountThenCodePoint) {
  const Tokenizer tokenizer = Tokenizer::of("b开aca开");
  ASSERT_EQ(tokenizer.size(), 4);
  EXPECT_EQ(tokenizer.text(0), "a");
  EXPECT_EQ(tokenizer.text(1), "开");
  EXPECT_EQ(tokenizer.text(2), "b");
  EXPECT_EQ(tokenizer.text(3), "c");
  EXPECT_EQ(tokenizer.count(1), 2);
  EXPECT_EQ(tokenizer.total(), 6);
  EXPECT_EQ(tokenizer.find("c"), 3);
  EXPECT_EQ(tokenizer.find("d"), -1);
  EXPECT_EQ(tokenizer.find("bb"), -1);
  EXPECT_EQ(tokenizer.find(""), -1);
  EXPECT_EQ(tokenizer.find("\xff"), -1);
}

TEST(Tokenizer, OfBytesHasAll256) {
  const Tokenizer tokenizer = Tokenizer::of("b\xff\xffz", TokenUnit::byte);
  ASSERT_EQ(tokenizer.size(), 256);
  EXPECT_EQ(tokenizer.text(0), "\xff");
  EXPECT_EQ(tokenizer.text(1), "b");
  EXPECT_EQ(tokenizer.text(2), "z");
  EXPECT_EQ(tokenizer.text(3), std::string(1, '\0')) << "those that do not occur follow in their order";
  EXPECT_EQ(tokenizer.text(255), "\xfe");
  EXPECT_EQ(tokenizer.count(255), 0);
  EXPECT_EQ(tokenizer.total(), 4);
  EXPECT_EQ(tokenizer.find("\xfe"), 255);
  EXPECT_EQ(tokenizer.find("开"), -1);
}

TEST(Tokenizer, OfWordsOrdersByCountThenBytes) {
  const Tokenizer tokenizer = Tokenizer::of("the cat, the dog", TokenUnit::word);
  ASSERT_EQ(tokenizer.size(), 5);
  EXPECT_EQ(tokenizer.text(0), " ");
  EXPECT_EQ(tokenizer.text(1), "the");
  EXPECT_EQ(tokenizer.text(2), ",");
  EXPECT_EQ(tokenizer.text(3), "cat");
  EXPECT_EQ(tokenizer.text(4), "dog");
  EXPECT_EQ(tokenizer.find("cat"), 3);
  EXPECT_EQ(tokenizer.find("ca"), -1);
}

TEST(Tokenizer, OfNothingIsEmpty) {
  EXPECT_EQ(Tokenizer::of("").size(), 0);
  EXPECT_EQ(Tokenizer::of("").total(), 0);
  EXPECT_EQ(Tokenizer().size(), 0);
  EXPECT_EQ(Tokenizer(), Tokenizer::of("", TokenUnit::word));
}

TEST(Tokenizer, DividesIntoWords) {
  EXPECT_THAT(words_of("The cat's hat\nisn't 3.5 m²!"),
              ElementsAre("The", " ", "cat's", " ", "hat", "\n", "isn't", " ", "3", ".", "5", " ", "m²", "!"));
  EXPECT_THAT(words_of("l’été  \t'tis 'so' rock''n"),
              ElementsAre("l’été", " ", " ", "\t", "'", "tis", " ", "'", "so", "'", " ", "rock", "'", "'", "n"));
  EXPECT_THAT(words_of("snake_case a-b"), ElementsAre("snake", "_", "case", " ", "a", "-", "b"));
  EXPECT_THAT(words_of("e\u0301te\u0301 \u0301a"), ElementsAre("e\u0301te\u0301", " ", "\u0301a")) << "marks";
  EXPECT_THAT(words_of("Größe Ελλάδα Москва"), ElementsAre("Größe", " ", "Ελλάδα", " ", "Москва"));
  EXPECT_THAT(words_of("می\u200cخواهم"), ElementsAre("می\u200cخواهم")) << "joiners";
  EXPECT_THAT(words_of("हिन्दी की"), ElementsAre("हिन्दी", " ", "की"));
  EXPECT_THAT(words_of("한국어 문장"), ElementsAre("한국어", " ", "문장"));
}

TEST(Tokenizer, GivesEachLetterOfAScriptWithoutSpacesAToken) {
  EXPECT_THAT(words_of("分开 abc想2要。"), ElementsAre("分", "开", " ", "abc", "想", "2", "要", "。"));
  EXPECT_THAT(words_of("カタカナとひらがなー"),
              ElementsAre("カ", "タ", "カ", "ナ", "と", "ひ", "ら", "が", "な", "ー"));
  EXPECT_THAT(words_of("か\u3099𠀀ㄅ"), ElementsAre("か\u3099", "𠀀", "ㄅ"));
  EXPECT_THAT(words_of("ที่นี่"), ElementsAre("ที่", "นี่"));
}

TEST(Tokenizer, KeepsWhatBelongsToASymbolWithIt) {
  EXPECT_THAT(words_of("❤\ufe0f!"), ElementsAre("❤\ufe0f", "!"));
  EXPECT_THAT(words_of("👩\u200d💻"), ElementsAre("👩\u200d", "💻"));
  EXPECT_THAT(words_of("\n\u0301"), ElementsAre("\n", "\u0301")) << "nothing belongs to white space";
}

TEST(Tokenizer, EndsAWordAfter64CodePoints) {
  const std::string word(64, 'x');
  EXPECT_THAT(words_of(word + word + "y"), ElementsAre(word, word, "y"));
  const std::string shorter(63, 'x');
  EXPECT_THAT(words_of(shorter + "'y"), ElementsAre(shorter, "'", "y")) << "an apostrophe is never the last one";
  std::string marks = "想";
  for (int i = 0; i < 70; ++i) marks += "\u0301";
  for (const std::string& part : words_of(marks)) EXPECT_LE(part.size(), std::size_t{Tokenizer::max_token_bytes});
  EXPECT_EQ(words_of(marks).size(), 2u);
}

TEST(Tokenizer, IsMadeOfTokensAndCounts) {
  EXPECT_EQ(Tokenizer::from(TokenUnit::character, {"x", "开"}, {3, 0}).find("开"), 1);
  EXPECT_EQ(Tokenizer::from(TokenUnit::character, {"x", "y"}, {3, 1}), Tokenizer::of("xyxx"));
  EXPECT_FALSE(Tokenizer::from(TokenUnit::character, {"x", "y"}, {3, 2}) == Tokenizer::of("xyxx"));
  EXPECT_FALSE(Tokenizer::from(TokenUnit::word, {"x", "y"}, {3, 1}) == Tokenizer::of("xyxx"));
  EXPECT_EQ(Tokenizer::from(TokenUnit::byte, {"\xff"}, {1}).encode("\xff"), std::vector<std::int32_t>{0});
  const Tokenizer words = Tokenizer::from(TokenUnit::word, {"two words", "x"}, {1, 1});
  EXPECT_EQ(words.find("two words"), 0) << "as another version of Unicode may divide";
}

TEST(Tokenizer, RefusesTokensThatAreNone) {
  const auto refused = [](const Tokens& tokens, const Counts& counts, TokenUnit unit = TokenUnit::character) {
    const Error error = error_of([&] { Tokenizer::from(unit, tokens, counts); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return std::string(error.what());
  };
  EXPECT_THAT(refused({}, {}), HasSubstr("no symbols"));
  EXPECT_THAT(refused({"x"}, {1, 2}), HasSubstr("1 symbols but 2 counts"));
  EXPECT_THAT(refused({"x", "y", "x"}, {1, 1, 1}), HasSubstr("symbol 2 \"x\" (U+0078) is there twice"));
  EXPECT_THAT(refused({"x", "\xed\xa0\x80"}, {1, 1}), HasSubstr("symbol 1 is not one character"));
  EXPECT_THAT(refused({"xy"}, {1}), HasSubstr("symbol 0 is not one character"));
  EXPECT_THAT(refused({"x"}, {-1}), HasSubstr("symbol 0 has the count -1"));
  EXPECT_THAT(refused({"x", "y"}, {1, std::numeric_limits<std::int64_t>::max()}), HasSubstr("symbol 1 has the count"));
  EXPECT_THAT(refused({"\xff", "\xff"}, {1, 1}, TokenUnit::byte), HasSubstr("symbol 1 0xFF is there twice"));
  EXPECT_THAT(refused({"开"}, {1}, TokenUnit::byte), HasSubstr("symbol 0 is not one byte"));
  EXPECT_THAT(refused({"ab", "ab"}, {1, 1}, TokenUnit::word), HasSubstr("symbol 1 \"ab\" is there twice"));
  EXPECT_THAT(refused({"ab", ""}, {1, 1}, TokenUnit::word), HasSubstr("symbol 1 is not a text of 1 to 256 bytes"));
  EXPECT_THAT(refused({std::string(257, 'a')}, {1}, TokenUnit::word), HasSubstr("symbol 0 is not a text"));
  EXPECT_THAT(refused({"\xff"}, {1}, TokenUnit::word), HasSubstr("symbol 0 is not a text"));
}

TEST(Tokenizer, IsExtendedByAnotherText) {
  const auto tokens = [](const Tokenizer& tokenizer) {
    Tokens all;
    for (int id = 0; id < tokenizer.size(); ++id) all.emplace_back(tokenizer.text(id));
    return all;
  };
  const Tokenizer old = Tokenizer::of("the cat", TokenUnit::word);
  const Tokenizer extended = old.extended_by(Tokenizer::of("a cat, a cat", TokenUnit::word));
  EXPECT_THAT(tokens(extended), ElementsAre(" ", "cat", "the", "a", ","));
  EXPECT_EQ(extended.count(1), 2);
  EXPECT_EQ(extended.count(2), 0);
  EXPECT_TRUE(extended.starts_with(old));
  EXPECT_FALSE(old.starts_with(extended));
  const Tokenizer bytes = Tokenizer::of("abc", TokenUnit::byte);
  EXPECT_TRUE(bytes.extended_by(Tokenizer::of("分开", TokenUnit::byte)).starts_with(bytes));
  EXPECT_EQ(bytes.extended_by(Tokenizer::of("分开", TokenUnit::byte)).size(), 256);
  EXPECT_THROW(bytes.extended_by(old), Error);
  EXPECT_FALSE(Tokenizer::of("ab").starts_with(Tokenizer::of("ab", TokenUnit::word)));
}

TEST(Tokenizer, HasTheFingerprintThatCheckpointsOfVersion01Hold) {
  EXPECT_EQ(Tokenizer::of("aab开").fingerprint(), 0xcf2ab885b11b4690u);  // XXH3 of a, b and 开 as 32-bit integers
  EXPECT_EQ(Tokenizer::of("ab").fingerprint(), Tokenizer::of("aab").fingerprint()) << "whatever the counts";
  EXPECT_NE(Tokenizer::of("ab").fingerprint(), Tokenizer::of("abb").fingerprint());
  EXPECT_NE(Tokenizer::of("ab", TokenUnit::word).fingerprint(), Tokenizer::of("a b", TokenUnit::word).fingerprint());
}

TEST(Encode, NamesWhatTheVocabularyLacks) {
  const Tokenizer tokenizer = Tokenizer::of("分开");
  EXPECT_THAT(tokenizer.encode("分开分"), ElementsAre(0, 1, 0));
  const Error error = error_of([&] { tokenizer.encode("分猫\n猫开"); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_THAT(error.what(),
              AllOf(HasSubstr("\"分猫\\n猫开\": "), HasSubstr("lacks \"猫\" (U+732B), \"\\n\" (U+000A); "),
                    HasSubstr("with unknown skip")));
  EXPECT_THAT(tokenizer.encode("分猫\n猫开", Unknown::skip), ElementsAre(0, 1));
  EXPECT_THAT(tokenizer.encode("", Unknown::refuse), ElementsAre());
  const Tokenizer words = Tokenizer::of("the cat", TokenUnit::word);
  EXPECT_THAT(error_of([&] { words.encode("the big cat, and"); }).what(), HasSubstr("lacks \"big\", \",\", \"and\"; "));
  EXPECT_THAT(words.encode("the big cat", Unknown::skip), ElementsAre(2, 0, 0, 1));
  EXPECT_THAT(error_of([&] { Tokenizer::from(TokenUnit::byte, {"a"}, {1}).encode("\xe4"); }).what(),
              HasSubstr("lacks 0xE4; "));
}

TEST(Encode, NamesTenAtMost) {
  const std::string message = error_of([] { Tokenizer::of("x").encode("abcdefghijklm"); }).what();
  EXPECT_THAT(message, AllOf(HasSubstr("\"j\" (U+006A) and 3 more"), Not(HasSubstr("U+006B"))));
}

TEST(Encode, RefusesInvalidUtf8) {
  for (const TokenUnit unit : {TokenUnit::character, TokenUnit::word}) {
    const Error error = error_of([&] { Tokenizer::of("x\n", unit).encode("x\n\xffx"); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("not UTF-8 at byte offset 2 (line 2, byte 0xFF)"));
  }
  EXPECT_EQ(Tokenizer::of("x", TokenUnit::byte).encode("x\n\xffx").size(), 4u);
}

TEST(Decode, RefusesForeignIndices) {
  const Tokenizer tokenizer = Tokenizer::of("xy");
  for (const std::int32_t id : {-1, 2}) {
    const std::vector<std::int32_t> ids = {0, id};
    EXPECT_THAT(error_of([&] { tokenizer.decode(ids); }).what(), HasSubstr("outside the vocabulary, 0 to 1"));
    EXPECT_THAT(error_of([&] { tokenizer.byte_count(ids); }).what(), HasSubstr("outside the vocabulary, 0 to 1"));
  }
}

rc::Gen<std::string> valid_text() {
  const auto letters = rc::gen::elementOf(std::string("aAz09 '\n\t_."));
  const auto code = rc::gen::oneOf(
      rc::gen::map(letters, [](char c) { return static_cast<char32_t>(c); }),
      rc::gen::map(rc::gen::inRange<std::uint32_t>(0x300, 0x370), [](std::uint32_t c) { return char32_t{c}; }),
      rc::gen::map(rc::gen::inRange<std::uint32_t>(0x2000, 0x4000), [](std::uint32_t c) { return char32_t{c}; }),
      rc::gen::map(rc::gen::inRange<std::uint32_t>(0, 0xd800), [](std::uint32_t c) { return char32_t{c}; }),
      rc::gen::map(rc::gen::inRange<std::uint32_t>(0xe000, 0x110000), [](std::uint32_t c) { return char32_t{c}; }));
  return rc::gen::map(rc::gen::nonEmpty(rc::gen::container<std::u32string>(code)), [](const std::u32string& codes) {
    std::string text;
    for (const char32_t each : codes) text += utf8_of(each);
    return text;
  });
}

/// What holds for the tokens of every text.
void check_round_trip(const std::string& text, TokenUnit unit) {
  const Tokenizer tokenizer = Tokenizer::of(text, unit);
  const std::vector<std::int32_t> ids = tokenizer.encode(text);
  RC_ASSERT(tokenizer.decode(ids) == text);
  RC_ASSERT(tokenizer.byte_count(ids) == static_cast<std::int64_t>(text.size()));
  RC_ASSERT(tokenizer.total() == static_cast<std::int64_t>(ids.size()));
  std::vector<std::int64_t> counts(static_cast<std::size_t>(tokenizer.size()));
  for (const std::int32_t id : ids) ++counts[static_cast<std::size_t>(id)];
  for (int id = 0; id < tokenizer.size(); ++id) {
    RC_ASSERT(tokenizer.find(tokenizer.text(id)) == id);
    RC_ASSERT(tokenizer.count(id) == counts[static_cast<std::size_t>(id)]);
    RC_ASSERT(tokenizer.text(id).size() <= std::size_t{Tokenizer::max_token_bytes});
    if (id == 0) continue;
    RC_ASSERT(tokenizer.count(id - 1) > tokenizer.count(id) ||
              (tokenizer.count(id - 1) == tokenizer.count(id) && tokenizer.text(id - 1) < tokenizer.text(id)));
  }
  RC_ASSERT(Tokenizer::from_json(tokenizer.to_json()) == tokenizer);
  RC_ASSERT(Tokenizer::from_json(tokenizer.to_json()).fingerprint() == tokenizer.fingerprint());
}

RC_GTEST_PROP(Decode, UndoesEncode, ()) {
  const std::string text = *valid_text();
  for (const TokenUnit unit : units) check_round_trip(text, unit);
}

RC_GTEST_PROP(Decode, UndoesEncodeForAnyBytes, (const std::vector<std::uint8_t>& bytes)) {
  const std::string text(bytes.begin(), bytes.end());
  check_round_trip(text, TokenUnit::byte);
  // Words and characters accept the same texts.
  const auto accepts = [&](TokenUnit unit) {
    try {
      return Tokenizer::of(text, unit).total() >= 0;
    } catch (const Error&) {
      return false;
    }
  };
  RC_ASSERT(accepts(TokenUnit::character) == accepts(TokenUnit::word));
}

RC_GTEST_PROP(Words, AreTheSameInTheirOwnText, ()) {
  const std::vector<std::string> words = words_of(*valid_text());
  for (const std::string& word : words) RC_ASSERT(words_of(word) == std::vector<std::string>{word});
}

TEST(TokenizerJson, IsThatOfVersion01ForCharacters) {
  EXPECT_EQ(Tokenizer::of("aab").to_json(), R"({"symbols":["a","b"],"counts":[2,1]})");
  EXPECT_EQ(Tokenizer::of("ab cd ab", TokenUnit::word).to_json(),
            R"({"unit":"word","symbols":[" ","ab","cd"],"counts":[2,2,1]})");
  EXPECT_EQ(Tokenizer::from(TokenUnit::byte, {"\xe4", "a"}, {1, 0}).to_json(),
            R"({"unit":"byte","symbols":[228,97],"counts":[1,0]})");
}

TEST(TokenizerJson, NamesTheFieldThatIsWrong) {
  const auto refused = [](const std::string& json, std::int64_t size = 0) {
    const Error error = error_of([&] { Tokenizer::from_json(json, "m: vocabulary", size); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("m: vocabulary"), Not(HasSubstr("\n"))));
    return std::string(error.what());
  };
  EXPECT_THAT(refused(R"({"unit":"piece","symbols":["a"],"counts":[1]})"),
              HasSubstr(R"(unit is "piece"; it must be char, byte or word)"));
  EXPECT_THAT(refused(R"({"unit":3,"symbols":["a"],"counts":[1]})"), HasSubstr("unit is 3; it must be char"));
  EXPECT_THAT(refused(R"({"unit":"byte","symbols":["a"],"counts":[1]})"), HasSubstr("symbol 0 is not one byte"));
  for (const char* byte : {"-1", "256", "1.5", "18446744073709551615", "null"}) {
    EXPECT_THAT(refused(R"({"unit":"byte","symbols":[)" + std::string(byte) + R"(],"counts":[1]})"),
                HasSubstr("symbol 0 is not one byte"));
  }
  EXPECT_THAT(refused(R"({"symbols":[97],"counts":[1]})"), HasSubstr("symbol 0 is not one character"));
  EXPECT_THAT(refused(R"({"unit":"word","symbols":["ab",""],"counts":[1,1]})"), HasSubstr("symbol 1 is not a text"));
  EXPECT_THAT(refused(R"({"symbols":"ab","counts":[1]})"), HasSubstr("symbols is \"ab\"; it must be a list"));
  EXPECT_THAT(refused(R"({"symbols":["a"],"counts":[1]})", 2), HasSubstr("must be a list of 2 values"));
  EXPECT_THAT(refused(R"({"symbols":[],"counts":[]})"), HasSubstr("no symbols"));
  EXPECT_THAT(refused(R"({"symbols":["a"]})"), HasSubstr("counts is missing"));
  EXPECT_THAT(refused(std::string(100'000, ' '), 4), HasSubstr("has 100000 bytes"));
  EXPECT_THAT(refused(R"({"symbols":[["a"]]})"), HasSubstr("nested too deeply"));
}

}  // namespace
}  // namespace unroll
