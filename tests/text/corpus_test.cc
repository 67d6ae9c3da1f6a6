#include "unroll/corpus.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <cmath>
#include <filesystem>

#include "io/archives.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "table/data_file.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string text_of(const Corpus& corpus) { return corpus.text(0, corpus.size()); }

std::string read_back(std::string_view text, const CorpusOptions& options = {}) {
  return text_of(Corpus::from_text(text, options));
}

TEST(Corpus, SkipsTheByteOrderMark) {
  EXPECT_EQ(read_back("\ufeff分开"), "分开");
  EXPECT_EQ(read_back("分\ufeff开"), "分\ufeff开");
}

TEST(Corpus, SkipsMarksAtTheBeginningOfLinesOfJoinedFiles) {
  const std::string joined = "\ufeff\ufeffone\n\ufefftwo\ufeff\r\n\ufeffthree\r\ufeff\ufeff";
  for (const TokenUnit unit : {TokenUnit::character, TokenUnit::word}) {
    const Corpus corpus = Corpus::from_text(joined, {.unit = unit});
    EXPECT_EQ(text_of(corpus), "one\ntwo\ufeff\nthree\n");
    EXPECT_THAT(corpus.notes(), ElementsAre("5 byte order marks, first in line 1: at the beginning of a line, as in "
                                            "joined files, and skipped"));
    EXPECT_EQ(read_back(joined, {.unit = unit, .newlines = Newlines::space}), "one two\ufeff three ");
    const Corpus again = Corpus::from_text("a\n\ufeffb", {.unit = unit});
    EXPECT_THAT(again.notes(), ElementsAre(HasSubstr("1 byte order mark, first in line 2")));
    EXPECT_THAT(again.split(0.5).training.notes(), again.notes());
    EXPECT_THAT(again.split(0.5).validation.notes(), testing::IsEmpty());
  }
  EXPECT_THAT(Corpus::from_text("\ufeffab").notes(), testing::IsEmpty());
  EXPECT_EQ(read_back(joined, {.unit = TokenUnit::byte}), joined);
}

TEST(Corpus, MakesEveryLineEndOneSymbol) {
  EXPECT_EQ(read_back("a\r\nb\rc\nd\r\r\n\n\r"), "a\nb\nc\nd\n\n\n\n");
  EXPECT_EQ(read_back("a\r\nb\rc\nd\r\r\n\n\r", {.newlines = Newlines::space}), "a b c d    ");
}

TEST(Corpus, CountsTheLimitInSymbols) {
  EXPECT_EQ(read_back("分\r\n开\r\nx", {.limit = 3}), "分\n开");
  EXPECT_EQ(read_back("分\r\n开\r\nx", {.limit = 4}), "分\n开\n");
  EXPECT_EQ(read_back("\ufeffab", {.newlines = Newlines::space, .limit = 1}), "a");
  EXPECT_EQ(read_back("ab", {.limit = 2}), "ab");
  EXPECT_EQ(read_back("ab", {.limit = 3}), "ab");
}

TEST(Corpus, DoesNotLookBeyondTheLimit) {
  EXPECT_EQ(read_back("ab\xff", {.limit = 2}), "ab");
  EXPECT_THROW(read_back("ab\xff", {.limit = 3}), Error);
  const TemporaryFolder folder;
  const std::string path = folder.file("a", "\ufeff\U0001f600\U0001f600\r\n\U0001f600");
  for (int limit = 1; limit <= 4; ++limit) EXPECT_EQ(Corpus::read(path, {.limit = limit}).size(), limit);
}

TEST(Corpus, RefusesANegativeLimit) {
  EXPECT_EQ(error_of([] { read_back("x", {.limit = -1}); }).code(), ExitCode::usage);
}

TEST(Corpus, NamesTheFirstInvalidByte) {
  struct Case {
    std::string bytes;
    std::string where;
  };
  const std::vector<Case> cases{{"\xff", "offset 0 (line 1, byte 0xFF)"},
                                {"a\n分\xe5\x88", "offset 5 (line 2, byte 0xE5)"},
                                {"a\r\nb\rc\n\xc0\xaf", "offset 7 (line 4, byte 0xC0)"},
                                {"\xed\xa0\x80", "offset 0 (line 1, byte 0xED)"},
                                {"\xf4\x90\x80\x80", "offset 0 (line 1, byte 0xF4)"},
                                {"\ufeffab\x80", "offset 5 (line 1, byte 0x80)"},
                                {"\xe5\x88x", "offset 0 (line 1, byte 0xE5)"}};
  const TemporaryFolder folder;
  for (const Case& c : cases) {
    const std::string path = folder.file("a.txt", c.bytes);
    const Error error = error_of([&] { Corpus::read(path); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(path + ": not UTF-8 at byte " + c.where), HasSubstr("encoding"),
                                    HasSubstr("unit byte takes any bytes")));
  }
}

TEST(Corpus, ReadsUtf16AndUtf32ByTheirMarks) {
  const std::string little("\xff\xfeh\0\n\0\xff\xfe\x06\x52", 10), big("\xfe\xff\0h\0\n\xfe\xff\x52\x06", 10);
  for (const auto& [bytes, name] : {std::pair(little, "UTF-16LE"), std::pair(big, "UTF-16BE"),
                                    std::pair(std::string("\xff\xfe\0\0h\0\0\0", 8), "UTF-32LE"),
                                    std::pair(std::string("\0\0\xfe\xff\0\0\0h", 8), "UTF-32BE")}) {
    for (const TokenUnit unit : {TokenUnit::character, TokenUnit::word}) {
      const Corpus corpus = Corpus::from_text(bytes, {.unit = unit});
      EXPECT_EQ(text_of(corpus), bytes.size() == 10 ? "h\n分" : "h");
      EXPECT_EQ(corpus.notes().front(), std::string("read as ") + name + ", as its byte order mark says");
    }
  }
  EXPECT_THAT(error_of([] { read_back("\xff\xfeh"); }).what(), HasSubstr("ends within a character of UTF-16LE"));
  EXPECT_THAT(error_of([] { read_back("\xff\xfeh", {.encoding = "windows-1252"}); }).what(),
              HasSubstr("begins with the byte order mark of UTF-16LE, so it is not windows-1252; read it with encoding "
                        "UTF-16LE"));
}

TEST(Corpus, ReadsTheEncodingOfTheOptions) {
  const TemporaryFolder folder;
  const std::string chinese = folder.file("a.txt", "\xb7\xd6\xbf\xaa");
  EXPECT_EQ(text_of(Corpus::read(chinese, {.encoding = "GB18030"})), "分开");
  EXPECT_EQ(text_of(Corpus::read(chinese, {.encoding = "gb18030"}, Tokenizer::of("开分"), Unknown::refuse)), "分开");
  EXPECT_EQ(text_of(Corpus::read(chinese, {.limit = 1, .encoding = "GB18030"})), "分");
  EXPECT_THAT(Corpus::read(chinese, {.encoding = "GB18030"}).notes(), testing::IsEmpty());
  EXPECT_EQ(read_back("caf\xe9", {.encoding = "windows-1252"}), "café");
  EXPECT_EQ(read_back("café", {.encoding = "utf8"}), "café");
  EXPECT_EQ(read_back(std::string("a\0b\0", 4), {.encoding = "UTF-16"}), "ab");
  EXPECT_EQ(read_back(std::string("\0a\0b", 4), {.encoding = "utf-16"}), "ab");
  EXPECT_THAT(Corpus::from_text("café", {.encoding = "windows-1252"}).notes(),
              ElementsAre(AllOf(HasSubstr("UTF-8 too"), HasSubstr("read it with encoding UTF-8"))));

  const Error unknown = error_of([] { read_back("x", {.encoding = "no-such"}); });
  EXPECT_EQ(unknown.code(), ExitCode::usage);
  EXPECT_THAT(unknown.what(), AllOf(HasSubstr("encoding 'no-such': must be"), HasSubstr("windows-1252")));
  EXPECT_THAT(error_of([] { read_back("x", {.encoding = "UTF-8//IGNORE"}); }).what(), HasSubstr("must be"));
  EXPECT_THAT(error_of([] { read_back("x", {.unit = TokenUnit::byte, .encoding = "GB18030"}); }).what(),
              HasSubstr("encoding GB18030 needs characters or words"));
  const Error invalid = error_of([] { read_back("ab\nc\xff\xff", {.encoding = "GB18030"}); });
  EXPECT_EQ(invalid.code(), ExitCode::bad_data);
  EXPECT_THAT(invalid.what(), HasSubstr("not GB18030 at byte offset 4 (line 2, byte 0xFF)"));
  EXPECT_THAT(error_of([] { read_back(std::string("a\n\0", 3), {.encoding = "windows-1252"}); }).what(),
              HasSubstr("a NUL character of windows-1252 at byte offset 2 (line 2)"));
}

TEST(Corpus, TheEncodingIsNotCheckedBehindTheLimit) {
  const TemporaryFolder folder;
  for (const auto& [bytes, encoding, fault] :
       {std::tuple(std::string("\xb7\xd6 \xbf\xaa \xff\xff"), "GB18030", "not GB18030 at byte offset 6"),
        std::tuple(std::string("\x06\x52 \0\0\x5f \0\0\0", 10), "UTF-16LE",
                   "a NUL character of UTF-16LE at byte offset 8"),
        std::tuple(std::string("\x06\x52 \0\0\x5f \0x", 9), "UTF-16LE", "ends within a character of UTF-16LE")}) {
    const std::string path = folder.file("a.txt", bytes);
    for (const TokenUnit unit : {TokenUnit::character, TokenUnit::word}) {
      EXPECT_EQ(text_of(Corpus::read(path, {.unit = unit, .limit = 4, .encoding = encoding})), "分 开 ");
      EXPECT_EQ(text_of(Corpus::from_text(bytes, {.unit = unit, .limit = 4, .encoding = encoding})), "分 开 ");
      for (const int limit : {0, 5}) {
        const CorpusOptions options = {.unit = unit, .limit = limit, .encoding = encoding};
        EXPECT_THAT(error_of([&] { Corpus::read(path, options); }).what(), HasSubstr(fault));
        const std::string& text = bytes;
        EXPECT_THAT(error_of([&] { Corpus::from_text(text, options); }).what(), HasSubstr(fault));
      }
    }
  }
}

TEST(Corpus, RefusesNul) {
  for (const TokenUnit unit : {TokenUnit::character, TokenUnit::word}) {
    const Error error = error_of([&] { read_back(std::string("ab\n\0", 4), {.unit = unit}); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr("a NUL byte at byte offset 3 (line 2, byte 0x00)"));
  }
  EXPECT_EQ(read_back(std::string("\0", 1), {.unit = TokenUnit::byte}), std::string("\0", 1));
}

TEST(Corpus, RefusesAnEmptyText) {
  const TemporaryFolder folder;
  const Tokenizer vocabulary = Tokenizer::of("x");
  for (const std::string& bytes : {std::string(), std::string("\ufeff"), gzipped(""), zipped({zip_member("x", "")})}) {
    const std::string path = folder.file("a.txt", bytes);
    const Error error = error_of([&] { Corpus::read(path); });
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    EXPECT_THAT(error.what(), HasSubstr(path + ": holds no symbol"));
    EXPECT_EQ(error_of([&] { Corpus::read(path, {}, vocabulary, Unknown::skip); }).code(), ExitCode::bad_data);
  }
}

TEST(Corpus, ReadsInAGivenVocabulary) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt", "开x分x\r\n");
  const Tokenizer vocabulary = Tokenizer::of("分分开");
  const Error error = error_of([&] { Corpus::read(path, {}, vocabulary, Unknown::refuse); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_THAT(error.what(), AllOf(HasSubstr(path), HasSubstr("lacks \"x\" (U+0078), \"\\n\" (U+000A); "),
                                  HasSubstr("with unknown skip")));
  const Corpus corpus = Corpus::read(path, {}, vocabulary, Unknown::skip);
  EXPECT_THAT(corpus.ids(), ElementsAre(1, 0));
  EXPECT_EQ(corpus.skipped(), 3);
  EXPECT_EQ(corpus.vocabulary(), vocabulary);
  EXPECT_THAT(error_of([&] { Corpus::read(folder.file("b", "xyz"), {}, vocabulary, Unknown::skip); }).what(),
              HasSubstr("no symbol"));
}

TEST(Corpus, TakesIndices) {
  const Corpus corpus = Corpus::from_ids({1, 0, 1}, Tokenizer::of("aab"));
  EXPECT_EQ(text_of(corpus), "bab");
  EXPECT_THAT(error_of([] { Corpus::from_ids({0, 3}, Tokenizer::of("abc")); }).what(), HasSubstr("index 3"));
}

TEST(Corpus, GivesTextWithinItsBounds) {
  const Corpus corpus = Corpus::from_text("分开x");
  EXPECT_EQ(corpus.text(1, 2), "开x");
  EXPECT_EQ(corpus.text(3, 0), "");
  for (const auto& [begin, count] : std::vector<std::pair<int, int>>{{-1, 1}, {0, 4}, {4, 0}, {0, -1}}) {
    EXPECT_THROW(corpus.text(begin, count), Error);
  }
}

TEST(Corpus, KeepsEveryByte) {
  const std::string bytes("\ufeffa\r\nb\rc\xff\0\xe5\x88", 13);
  const Corpus corpus = Corpus::from_text(bytes, {.unit = TokenUnit::byte});
  EXPECT_EQ(corpus.size(), 13);
  EXPECT_EQ(text_of(corpus), bytes);
  EXPECT_EQ(corpus.vocabulary().size(), 256);
  EXPECT_EQ(read_back("\xff\xfe分", {.unit = TokenUnit::byte}), "\xff\xfe分") << "which is no mark of UTF-16 here";
  EXPECT_EQ(read_back(bytes, {.unit = TokenUnit::byte, .limit = 5}), bytes.substr(0, 5));
  const Error error = error_of([] { read_back("x", {.unit = TokenUnit::byte, .newlines = Newlines::space}); });
  EXPECT_EQ(error.code(), ExitCode::usage);
  EXPECT_THAT(error.what(), HasSubstr("newlines space needs characters or words"));
  EXPECT_THAT(error_of([] { read_back("", {.unit = TokenUnit::byte}); }).what(), HasSubstr("holds no symbol"));
}

TEST(Corpus, ReadsWordsAsItReadsCharacters) {
  const std::string text = "\ufeffThe cat's\r\nhat\r\r\n分开";
  EXPECT_EQ(read_back(text, {.unit = TokenUnit::word}), "The cat's\nhat\n\n分开");
  EXPECT_EQ(read_back(text, {.unit = TokenUnit::word, .newlines = Newlines::space}), "The cat's hat  分开");
  EXPECT_EQ(Corpus::from_text(text, {.unit = TokenUnit::word}).size(), 9);
  EXPECT_EQ(read_back(text, {.unit = TokenUnit::word, .limit = 4}), "The cat's\n");
  EXPECT_EQ(read_back("ab \xff", {.unit = TokenUnit::word, .limit = 2}), "ab ");
  EXPECT_EQ(read_back("ab\xff", {.unit = TokenUnit::word, .limit = 1}), "ab");
  EXPECT_THAT(error_of([] { read_back("a\nb\xff", {.unit = TokenUnit::word}); }).what(),
              HasSubstr("not UTF-8 at byte offset 3 (line 2, byte 0xFF)"));
}

TEST(Corpus, ReadsAsMuchOfAFileAsTheLimitNeeds) {
  const TemporaryFolder folder;
  std::string text = "\ufeff";
  for (int i = 0; i < 3; ++i) text += std::string(63, 'x') + "'\U00020000" + std::string(80, '\n');
  for (int i = 0; i < 130; ++i) text += "\U00010400";  // a letter of four bytes: the longest words
  const std::string path = folder.file("a.txt", text);
  for (const TokenUnit unit : {TokenUnit::character, TokenUnit::byte, TokenUnit::word}) {
    const Corpus whole = Corpus::read(path, {.unit = unit});
    for (std::int64_t limit = 1; limit <= whole.size(); ++limit) {
      const Corpus part = Corpus::read(path, {.unit = unit, .limit = limit});
      ASSERT_EQ(part.size(), limit);
      ASSERT_EQ(text_of(part), whole.text(0, limit));
    }
  }
}

TEST(Corpus, ReadsInTheUnitOfAGivenVocabulary) {
  const TemporaryFolder folder;
  const std::string path = folder.file("a.txt", "the dog, the \r\ncat");
  const Tokenizer words = Tokenizer::of("the cat\n", TokenUnit::word);
  const Corpus corpus = Corpus::read(path, {}, words, Unknown::skip);
  EXPECT_EQ(text_of(corpus), "the  the \ncat");
  EXPECT_EQ(corpus.skipped(), 2);
  EXPECT_THAT(error_of([&] { Corpus::read(path, {}, words, Unknown::refuse); }).what(),
              HasSubstr("lacks \"dog\", \",\"; "));
  const Tokenizer bytes = Tokenizer::of("x", TokenUnit::byte);
  EXPECT_EQ(text_of(Corpus::read(path, {}, bytes, Unknown::refuse)), "the dog, the \r\ncat");
  EXPECT_EQ(error_of([&] { Corpus::read(path, {.newlines = Newlines::space}, bytes, Unknown::refuse); }).code(),
            ExitCode::usage);
}

TEST(Corpus, IsRenumbered) {
  const Corpus corpus = Corpus::from_text("banana");
  const Tokenizer other = Tokenizer::from(TokenUnit::character, {"x", "n", "b", "a"}, {0, 2, 1, 3});
  const Corpus renumbered = corpus.renumbered(other);
  EXPECT_THAT(renumbered.ids(), ElementsAre(2, 3, 1, 3, 1, 3));
  EXPECT_EQ(renumbered.vocabulary(), other);
  EXPECT_THAT(error_of([&] { corpus.renumbered(Tokenizer::of("ab")); }).what(), HasSubstr("lacks \"n\" (U+006E)"));
}

TEST(Corpus, IsSplitForValidation) {
  const Corpus corpus = Corpus::from_text("abcdefghij");
  const auto texts = [&](double share) {
    const CorpusParts parts = corpus.split(share);
    EXPECT_EQ(parts.training.vocabulary(), corpus.vocabulary());
    EXPECT_EQ(parts.validation.vocabulary(), corpus.vocabulary());
    return text_of(parts.training) + "|" + text_of(parts.validation);
  };
  EXPECT_EQ(texts(0.2), "abcdefgh|hij");
  EXPECT_EQ(texts(0.29), "abcdefgh|hij") << "rounded down";
  EXPECT_EQ(texts(0.1), "abcdefghi|ij");
  EXPECT_EQ(texts(0.09), "abcdefghij|") << "nothing to score";
  EXPECT_EQ(texts(0.9), "a|abcdefghij");
  EXPECT_EQ(texts(0.99), "a|abcdefghij");
  EXPECT_EQ(text_of(corpus), "abcdefghij");
  EXPECT_EQ(corpus.split(0.2).training.ids().data(), corpus.ids().data()) << "no copy";
  EXPECT_EQ(corpus.split(0.2).validation.ids().data(), corpus.ids().data() + 7);
  for (const double share : {0.0, 1.0, -0.5, std::nan("")}) EXPECT_THROW(corpus.split(share), Error);
  const CorpusParts parts = Corpus::from_text("abcdefghij").split(0.2);  // outlive the whole
  EXPECT_EQ(text_of(parts.validation), "hij");
  EXPECT_EQ(text_of(parts.training.split(0.5).validation), "defgh");
}

RC_GTEST_PROP(Corpus, KeepsEverySymbol, (std::vector<bool> pattern)) {
  std::string text;
  for (const bool bit : pattern) text += bit ? "分" : "\n";
  RC_PRE(!text.empty());
  const Corpus corpus = Corpus::from_text(text);
  RC_ASSERT(text_of(corpus) == text);
  RC_ASSERT(corpus.vocabulary().total() == corpus.size());
}

class Lyrics : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(path_))
      GTEST_SKIP() << "no " << path_ << ": set UNROLL_DATA to the folder that has it";
  }
  const std::string path_ = data_file("jaychou_lyrics.txt.zip");
};

TEST_F(Lyrics, AreThoseOfTheTextbook) {
  const Corpus corpus = Corpus::read(path_);
  EXPECT_EQ(corpus.size(), 63'282);
  EXPECT_EQ(corpus.vocabulary().size(), 2'583);
  EXPECT_EQ(corpus.text(0, 40), "想要有直升机\n想要和你飞到宇宙去\n想要和你融化在一起\n融化在宇宙里\n我每天每天每");
}

TEST_F(Lyrics, HaveThe1027SymbolsOfTheChapter) {
  const Corpus corpus = Corpus::read(path_ + ":jaychou_lyrics.txt", {.newlines = Newlines::space, .limit = 10'000});
  EXPECT_EQ(corpus.size(), 10'000);
  EXPECT_EQ(corpus.vocabulary().size(), 1'027);
  EXPECT_EQ(corpus.text(0, 20), "想要有直升机 想要和你飞到宇宙去 想要和");
}

}  // namespace
}  // namespace unroll
