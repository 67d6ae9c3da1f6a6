#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <limits>
#include <set>

#include "io/error_of.h"
#include "unroll/corpus.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

using Symbols = std::vector<char32_t>;
using Counts = std::vector<std::int64_t>;

rc::Gen<char32_t> code_point() {
  const auto plain = rc::gen::inRange<std::uint32_t>(0, 0xd800),
             high = rc::gen::inRange<std::uint32_t>(0xe000, 0x110000);
  return rc::gen::map(rc::gen::oneOf(rc::gen::inRange<std::uint32_t>('a', 'f'), plain, high),
                      [](std::uint32_t value) { return static_cast<char32_t>(value); });
}

TEST(Vocabulary, OrdersByCountThenCodePoint) {
  const Vocabulary vocabulary = Vocabulary::of(U"b开aca开");
  ASSERT_EQ(vocabulary.size(), 4);
  EXPECT_EQ(vocabulary.symbol(0), U'a');
  EXPECT_EQ(vocabulary.symbol(1), U'开');
  EXPECT_EQ(vocabulary.symbol(2), U'b');
  EXPECT_EQ(vocabulary.symbol(3), U'c');
  EXPECT_EQ(vocabulary.count(1), 2);
  EXPECT_EQ(vocabulary.total(), 6);
  EXPECT_EQ(vocabulary.text(1), "开");
  EXPECT_EQ(vocabulary.find(U'c'), 3);
  EXPECT_EQ(vocabulary.find(U'd'), -1);
}

TEST(Vocabulary, OfNothingIsEmpty) {
  EXPECT_EQ(Vocabulary::of(U"").size(), 0);
  EXPECT_EQ(Vocabulary::of(U"").total(), 0);
}

TEST(Vocabulary, ComesBackFromAModelFile) {
  EXPECT_EQ(Vocabulary::from({U'x', U'开'}, {3, 0}).find(U'开'), 1);
  EXPECT_EQ(Vocabulary::from({U'x', U'x' + 1}, {3, 1}), Vocabulary::of(U"xyxx"));
  EXPECT_FALSE(Vocabulary::from({U'x', U'y'}, {3, 2}) == Vocabulary::of(U"xyxx"));
}

TEST(Vocabulary, RefusesADamagedModelFile) {
  const auto refused = [](const Symbols& symbols, const Counts& counts) {
    const Error error = error_of([&] { Vocabulary::from(symbols, counts); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return std::string(error.what());
  };
  EXPECT_THAT(refused({}, {}), HasSubstr("no symbols"));
  EXPECT_THAT(refused({U'x'}, {1, 2}), HasSubstr("1 symbols but 2 counts"));
  EXPECT_THAT(refused({U'x', U'y', U'x'}, {1, 1, 1}), HasSubstr("symbol 2 \"x\" (U+0078) is there twice"));
  EXPECT_THAT(refused({U'x', 0xd800}, {1, 1}), HasSubstr("symbol 1 is no code point"));
  EXPECT_THAT(refused({0x110000}, {1}), HasSubstr("symbol 0 is no code point"));
  EXPECT_THAT(refused({U'x'}, {-1}), HasSubstr("symbol 0 has the count -1"));
  EXPECT_THAT(refused({U'x', U'y'}, {1, std::numeric_limits<std::int64_t>::max()}),
              HasSubstr("symbol 1 has the count"));
}

TEST(Encode, NamesWhatTheVocabularyLacks) {
  const Vocabulary vocabulary = Vocabulary::of(U"分开");
  EXPECT_THAT(encode(vocabulary, "分开分"), ElementsAre(0, 1, 0));
  const Error error = error_of([&] { encode(vocabulary, "分猫\n猫开"); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_THAT(error.what(), AllOf(HasSubstr("\"分猫\\n猫开\": "),
                                  HasSubstr("lacks \"猫\" (U+732B), \"\\n\" (U+000A); "), HasSubstr("--unknown skip")));
  EXPECT_THAT(encode(vocabulary, "分猫\n猫开", Unknown::skip), ElementsAre(0, 1));
  EXPECT_THAT(encode(vocabulary, "", Unknown::refuse), ElementsAre());
}

TEST(Encode, NamesTenAtMost) {
  const std::string message = error_of([] { encode(Vocabulary::of(U"x"), "abcdefghijklm"); }).what();
  EXPECT_THAT(message, AllOf(HasSubstr("\"j\" (U+006A) and 3 more"), Not(HasSubstr("U+006B"))));
}

TEST(Encode, RefusesInvalidUtf8) {
  const Error error = error_of([] { encode(Vocabulary::of(U"x"), "x\n\xffx"); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_THAT(error.what(), HasSubstr("not UTF-8 at byte offset 2 (line 2, byte 0xFF)"));
}

TEST(Decode, RefusesForeignIndices) {
  const Vocabulary vocabulary = Vocabulary::of(U"xy");
  for (const std::int32_t id : {-1, 2}) {
    EXPECT_THAT(error_of([&] {
                  decode(vocabulary, std::vector<std::int32_t>{0, id});
                }).what(),
                HasSubstr("outside the vocabulary, 0 to 1"));
  }
}

RC_GTEST_PROP(Decode, UndoesEncode, ()) {
  const auto symbols = *rc::gen::nonEmpty(rc::gen::container<std::u32string>(code_point()));
  const Vocabulary vocabulary = Vocabulary::of(symbols);
  RC_ASSERT(vocabulary.total() == static_cast<std::int64_t>(symbols.size()));
  RC_ASSERT(vocabulary.size() == static_cast<int>(std::set<char32_t>(symbols.begin(), symbols.end()).size()));
  std::vector<std::int32_t> ids;
  for (const char32_t symbol : symbols) ids.push_back(vocabulary.find(symbol));
  RC_ASSERT(encode(vocabulary, decode(vocabulary, ids)) == ids);
  for (int id = 1; id < vocabulary.size(); ++id) RC_ASSERT(vocabulary.count(id - 1) >= vocabulary.count(id));
}

}  // namespace
}  // namespace unroll
