#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "io/archives.h"
#include "io/conversion.h"
#include "io/decoder.h"
#include "io/encoding_guess.h"
#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "io/text_source.h"
#include "io/utf8.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

std::string encoded(std::string_view text, const std::string& encoding) {
  std::string bytes;
  Conversion conversion("UTF-8", encoding.c_str());
  EXPECT_EQ(conversion.convert(text, bytes), Conversion::End::whole) << encoding << " lacks a letter of the test";
  conversion.finish(bytes);
  return bytes;
}

const std::string german = "Ein Käufer aus Köln zahlt für größere Häuser mehr, schöne Grüße.\n";
const std::string french = "L’été, le café coûte 3 € ; « déjà » dit l’élève à Noël.\n";
const std::string polish = "Łódź: świeży chleb, ser żółty, gęś i zupa z grzybów są tańsze.\n";
const std::string russian = "Утром шёл дождь, и мы купили зонт, хлеб и яблоки.\n";
const std::string capitals = "КОРОБКА ОТКРЫВАЕТСЯ НАЖАТИЕМ НА КРЫШКУ. ХРАНИТЬ В СУХОМ МЕСТЕ.\n";
const std::string chinese = "今天早上下雨，我们在车站前面的商店买了一把伞，然后走路去上班。\n";
const std::string traditional = "今天早上下雨，我們在車站前面的商店買了一把傘，然後走路去上班。\n";
const std::string japanese = "今日は朝から雨が降っています。駅前の店で傘を買いました。\n";
const std::string korean = "오늘은 아침부터 비가 내렸습니다. 역 앞 가게에서 우산을 샀습니다.\n";

const std::vector<std::pair<std::string, const std::string*>> texts = {
    {"windows-1252", &german},  {"windows-1252", &french}, {"macintosh", &french},      {"windows-1250", &polish},
    {"windows-1251", &russian}, {"KOI8-R", &russian},      {"windows-1251", &capitals}, {"KOI8-R", &capitals},
    {"GB18030", &chinese},      {"Big5", &traditional},    {"CP932", &japanese},        {"EUC-JP", &japanese},
    {"CP949", &korean},         {"UTF-16LE", &german},     {"UTF-16BE", &german},       {"UTF-16LE", &chinese},
    {"UTF-16BE", &japanese},    {"UTF-16LE", &korean}};

TEST(LikelyEncodings, AreNamedForALineOfText) {
  for (const auto& [encoding, text] : texts) {
    const std::vector<std::string> likely = likely_encodings(encoded(*text, encoding));
    ASSERT_FALSE(likely.empty()) << *text;
    EXPECT_EQ(likely.front(), encoding) << *text;
    EXPECT_LE(likely.size(), 3u);
  }
}

TEST(LikelyEncodings, AreFoundInOneLineOfALongText) {
  for (const auto& [encoding, text] : texts) {
    const std::string before = encoded(std::string(1'001, '-') + "\n", encoding);
    const std::string bytes = before + encoded(*text + std::string(100'000, '-'), encoding);
    EXPECT_EQ(likely_encodings(bytes).front(), encoding) << *text;
    const std::string_view rest = std::string_view(bytes).substr(before.size() - 1);
    EXPECT_EQ(likely_encodings(rest, before.size() - 1).front(), encoding) << *text;
  }
  EXPECT_EQ(likely_encodings("\xc4pfel und Birnen\n", 1).front(), "windows-1252") << "the first byte counts";
}

TEST(LikelyEncodings, AreNoneForBytesWithoutLetters) {
  std::string bytes;
  for (unsigned i = 0; i < 4000; ++i) bytes += static_cast<char>(i * i * 2654435761u >> 13);
  EXPECT_THAT(likely_encodings(bytes), IsEmpty());
  for (const char* ascii : {"", "x", "xy"}) EXPECT_THAT(likely_encodings(ascii), IsEmpty());
  EXPECT_THAT(encoding_advice(bytes), HasSubstr("is it a text? Name its encoding with encoding"));
}

TEST(LikelyEncodings, SayWhereUtf8IsDamaged) {
  const std::string damaged = russian + russian + "\xd1" + russian;
  EXPECT_THAT(encoding_advice(damaged), HasSubstr("the rest is UTF-8: is the file damaged"));
  EXPECT_THAT(encoding_advice(russian, 0, "KOI8-R"), HasSubstr("probably UTF-8: read it with encoding UTF-8"));
}

TEST(Decoder, PutsCharactersOfAnyPiecesTogether) {
  for (const auto& [encoding, text] : texts) {
    const std::string bytes = encoded(*text + *text, encoding);
    for (std::size_t size = 1; size < 8; ++size) {
      Decoder decoder(encoding, "a.txt");
      std::string decoded;
      for (std::string_view rest = bytes; !rest.empty(); rest.remove_prefix(std::min(size, rest.size())))
        decoder.add(rest.substr(0, size), decoded);
      decoder.finish(decoded);
      ASSERT_EQ(decoded, *text + *text) << encoding << " in pieces of " << size;
      ASSERT_THAT(decoder.notes(), IsEmpty());
    }
  }
}

TEST(Decoder, NamesTheByteThatIsNoCharacter) {
  const auto refusal = [](const std::string& bytes, std::size_t size) {
    Decoder decoder("CP932", "a.txt");
    std::string text;
    return std::string(error_of([&] {
                         for (std::string_view rest = bytes; !rest.empty();
                              rest.remove_prefix(std::min(size, rest.size())))
                           decoder.add(rest.substr(0, size), text);
                         decoder.finish(text);
                       }).what());
  };
  const std::string bytes = encoded("店\n店", "CP932");
  for (const std::size_t size : {1, 2, 100}) {
    EXPECT_THAT(refusal(bytes + "\xff", size), HasSubstr("a.txt: not CP932 at byte offset 5 (line 2, byte 0xFF); "));
    EXPECT_THAT(refusal(bytes + "\x93", size), HasSubstr("a.txt: ends within a character of CP932 at byte offset 5"));
  }
  EXPECT_THAT(refusal(encoded(chinese, "GB18030") + chinese, 1000), HasSubstr("not CP932"));
}

TEST(Decoder, NamesTheOffsetOfANulCharacter) {
  for (const auto& [encoding, offset] : {std::pair("UTF-16LE", 6), std::pair("UTF-16BE", 6), std::pair("UTF-32BE", 12),
                                         std::pair("GB18030", 4), std::pair("windows-1252", 3)}) {
    const char* letters = encoding == std::string("windows-1252") ? "a\nb" : "a\n分";
    const std::string bytes = encoded(letters + std::string("\0c\0", 3), encoding);
    for (const std::size_t size : {1, 3, 100}) {
      Decoder decoder(encoding, "a.txt");
      std::string text;
      const Error error = error_of([&] {
        for (std::string_view rest = bytes; !rest.empty(); rest.remove_prefix(std::min(size, rest.size())))
          decoder.add(rest.substr(0, size), text);
      });
      EXPECT_THAT(error.what(), HasSubstr("a.txt: a NUL character of " + std::string(encoding) + " at byte offset " +
                                          std::to_string(offset) + " (line 2); "));
      EXPECT_EQ(text, letters);
    }
  }
}

const auto no_workbook = [](const WorkbookSource&) { ADD_FAILURE() << "is no workbook"; };

TEST(ReadSource, DecodesPlainGzipZipAndPipes) {
  const TemporaryFolder folder;
  std::string text;
  while (text.size() < 1'600'000) text += chinese + "row " + std::to_string(text.size()) + "\n";
  const std::string bytes = encoded(text, "GB18030");
  const std::string marked = "\xff\xfe" + encoded(text, "UTF-16LE");
  for (const auto& [content, encoding] : {std::pair(bytes, "GB18030"), std::pair(marked, "")}) {
    std::vector<std::string> sources = {folder.file("a", content), folder.file("a.gz", gzipped(content)),
                                        folder.file("a.zip", zipped({zip_member("m", content)}))};
    for (const std::string& source : sources) {
      const SourceText read = read_source(source, {}, encoding);
      EXPECT_EQ(read.text, (*encoding == '\0' ? "\ufeff" : "") + text);
      EXPECT_EQ(read.notes.size(), *encoding == '\0' ? 1u : 0u);
      std::string pieces;
      EXPECT_EQ(for_each_piece(
                    source, encoding, [&](std::string_view piece) { pieces += piece; }, no_workbook),
                read.notes);
      EXPECT_EQ(pieces, read.text);
    }
  }
  const std::string part = read_source(folder.file("b", bytes), {.plain = 10'000}, "GB18030").text;
  EXPECT_TRUE(text.starts_with(part));
  EXPECT_GE(part.size(), 10'000u) << "the limit is in bytes of UTF-8";
  EXPECT_EQ(read_source(folder.file("c", "caf\xc3\xa9"), {.content = Content::bytes}, "").text, "caf\xc3\xa9");
}

TEST(ReadSource, RefusesOtherFormatsInUtf16Too) {
  const TemporaryFolder folder;
  const std::string json = "\xff\xfe" + encoded("[{\"a\": 1}]", "UTF-16LE");
  EXPECT_THAT(error_of([&] {
                for_each_piece(
                    folder.file("a", json), "", [](std::string_view) {}, no_workbook);
              }).what(),
              HasSubstr("is JSON"));
}

}  // namespace
}  // namespace unroll
