#include "io/other_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "io/archives.h"
#include "io/temporary_folder.h"
#include "io/text_source.h"
#include "unroll/error.h"

namespace unroll {
namespace {

using namespace std::string_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;

std::string refusal(const std::string& bytes, Content content) {
  try {
    refuse_other_format(bytes, "file", content);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::bad_data);
    return error.what();
  }
  return "";
}

const std::vector<std::pair<std::string, const char*>> binary_formats = {
    {"PAR1\x15\x04", "a Parquet file"},
    {"SQLite format 3\0\x10\0"s, "an SQLite database"},
    {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office document"},
    {"%PDF-1.7\n", "a PDF document"},
    {std::string("a.txt") + std::string(252, '\0') + "ustar\0"s, "a tar archive"},
    {"7z\xbc\xaf\x27\x1c\0\x04"s, "a 7z archive"},
    {"Rar!\x1a\x07\x01\0"s, "a rar archive"},
    {"\xfd"
     "7zXZ\0\0"s,
     "compressed by xz"},
    {"BZh91AY&SY\x01", "compressed by bzip2"},
    {"\x28\xb5\x2f\xfd\x04", "compressed by zstd"},
    {"\x04\x22\x4d\x18\x64", "compressed by lz4"},
    {"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "a pointer of Git LFS"},
};

TEST(OtherFormat, IsNamedWithTheCommandThatConvertsIt) {
  for (const auto& [bytes, name] : binary_formats) {
    for (const Content content : {Content::text, Content::table}) {
      EXPECT_THAT(refusal(bytes, content),
                  AllOf(HasSubstr("file: is "s + name), HasSubstr("convert it first: "), HasSubstr("'file'")))
          << name;
    }
    EXPECT_EQ(refusal(bytes, Content::bytes), "");
    for (std::size_t size = 0; size < 3; ++size) EXPECT_EQ(refusal(bytes.substr(0, size), Content::text), "") << name;
  }
}

TEST(OtherFormat, JsonAndHtmlAreTextsButNoTables) {
  const std::vector<std::pair<std::string, const char*>> texts = {
      {"<!DOCTYPE html>\n<html>", "an HTML page"}, {"\xef\xbb\xbf \n<HTML lang=en>", "an HTML page"},
      {"{\"a\": 1}", "read_json('file').to_csv"},  {"[{\"a\": 1}]", "read_json('file').to_csv"},
      {"{\n  \"a\": 1}", "read_json('file')"},     {"{\"a\":1}\n{\"a\":2}\n", "read_json('file', lines=True)"}};
  for (const auto& [text, name] : texts) {
    EXPECT_EQ(refusal(text, Content::text), "") << text;
    EXPECT_THAT(refusal(text, Content::table), HasSubstr(name)) << text;
  }
}

TEST(OtherFormat, TextsAndTablesAreTaken) {
  for (const char* bytes : {"", "a", "PAR 1", "BZh is how it begins", "{braces} in a header,b\n1,2\n", "[1] footnote\n",
                            "id,html\n1,<html>\n", "<htm", "version 2\n", "7z,Rar!\n"}) {
    EXPECT_EQ(refusal(bytes, Content::text), "") << bytes;
    EXPECT_EQ(refusal(bytes, Content::table), "") << bytes;
  }
}

TEST(OtherFormat, IsFoundInGzipAndZipToo) {
  const TemporaryFolder folder;
  const std::string tar = std::string("a.txt") + std::string(252, '\0') + "ustar\0"s + std::string(600, 'x');
  const auto read = [&](const std::string& bytes, Content content) -> std::string {
    try {
      return read_source(folder.file("f", bytes), {.content = content}).text;
    } catch (const Error& error) {
      return error.what();
    }
  };
  for (const std::string& packed : {tar, gzipped(tar), zipped({zip_member("m", tar)})}) {
    EXPECT_THAT(read(packed, Content::text), HasSubstr("is a tar archive"));
    EXPECT_EQ(read(packed, Content::bytes), tar);
  }
  const std::string workbook =
      zipped({zip_member("[Content_Types].xml", "<x/>"), zip_member("xl/workbook.xml", "<x/>")});
  EXPECT_THAT(read(workbook, Content::text), HasSubstr("is an Excel workbook (xlsx); convert it first: libreoffice"));
  const std::string binary = zipped({zip_member("[Content_Types].xml", "<x/>"), zip_member("xl/workbook.bin", "x")});
  EXPECT_THAT(read(binary, Content::table), HasSubstr("is a binary Excel workbook (xlsb)"));
  std::string with_password = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + std::string(100'000, '\0');
  EXPECT_THAT(read(with_password, Content::table), HasSubstr("is an old Office document"));
  for (const char byte : std::string("EncryptedPackage")) with_password.append({byte, '\0'});
  EXPECT_THAT(read(with_password, Content::table), HasSubstr("is an Office document with a password"));
  EXPECT_EQ(read(with_password, Content::bytes), with_password);
  const std::string word = zipped({zip_member("[Content_Types].xml", "<x/>"), zip_member("word/document.xml", "<x/>")});
  EXPECT_THAT(read(word, Content::text), HasSubstr("a Word document"));
}

}  // namespace
}  // namespace unroll
