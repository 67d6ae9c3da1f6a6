#include "io/zip.h"

#include <gmock/gmock.h>

#include "io/archives.h"
#include "io/error_of.h"
#include "io/text_source.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

std::string text_of(std::size_t size) {
  std::string text;
  while (text.size() < size) text += "symbol " + std::to_string(text.size()) + " 分开\n";
  return text;
}

std::string unpacked(const std::vector<ZipMember>& members, const std::optional<std::string>& member = std::nullopt) {
  return unzip(zipped(members), "a.zip", member, max_unpacked);
}

Error refused_zip(const std::string& bytes, const std::optional<std::string>& member = std::nullopt,
                  std::uint64_t longest = max_unpacked) {
  const Error error = error_of([&] { unzip(bytes, "a.zip", member, longest); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_THAT(error.what(), testing::StartsWith("a.zip: "));
  return error;
}

TEST(Zip, UnpacksTheOnlyMember) {
  for (const std::size_t size : {0, 1, 1'000'000}) {
    EXPECT_EQ(unpacked({zip_member("x.txt", text_of(size))}), text_of(size));
    EXPECT_EQ(unpacked({stored_zip_member("x.txt", text_of(size))}), text_of(size));
  }
}

TEST(Zip, FindsAMemberByName) {
  const std::vector<ZipMember> members{zip_member("one.txt", "1"), zip_member("folder/歌词:2.txt", "2")};
  EXPECT_EQ(unpacked(members, "one.txt"), "1");
  EXPECT_EQ(unpacked(members, "folder/歌词:2.txt"), "2");
}

TEST(Zip, RefusesANameThatSeveralMembersHave) {
  const std::string archive = zipped({zip_member("a.txt", "1"), zip_member("b.txt", "2"), zip_member("a.txt", "3")});
  EXPECT_THAT(refused_zip(archive, "a.txt").what(), HasSubstr("the zip member \"a.txt\" is there 2 times"));
  EXPECT_EQ(unzip(archive, "a.zip", "b.txt", max_unpacked), "2");
}

TEST(Zip, DoesNotCountFoldersAndFinderFiles) {
  EXPECT_EQ(unpacked({stored_zip_member("folder/", ""), zip_member("__MACOSX/._a.txt", "?"),
                      zip_member("folder/a.txt", "a")}),
            "a");
  EXPECT_THAT(refused_zip(zipped({stored_zip_member("folder/", "")})).what(), HasSubstr("holds no file"));
  for (const char* name : {".DS_Store", "folder/.DS_Store", "Thumbs.db", "folder/desktop.ini", "._a.txt"}) {
    EXPECT_EQ(unpacked({zip_member(name, "?"), zip_member("a.txt", "a")}), "a") << name;
    EXPECT_THAT(refused_zip(zipped({zip_member(name, "?")})).what(), HasSubstr("holds no file")) << name;
  }
  EXPECT_THAT(refused_zip(zipped({zip_member("a.txt", "a"), zip_member("b.DS_Store", "b")})).what(),
              HasSubstr("2 files"));
}

TEST(Zip, RefusesNoMember) { EXPECT_THAT(refused_zip(zipped({})).what(), HasSubstr("holds no file")); }

TEST(Zip, NamesSeveralMembers) {
  std::vector<ZipMember> members{zip_member("one.txt", "1"), zip_member("two\n.txt", "2")};
  EXPECT_THAT(refused_zip(zipped(members)).what(),
              AllOf(HasSubstr(R"("one.txt", "two\n.txt")"), HasSubstr("a.zip:NAME")));
  EXPECT_THAT(refused_zip(zipped(members), "three.txt").what(),
              AllOf(HasSubstr(R"(no "three.txt")"), HasSubstr(R"("one.txt", "two\n.txt")")));
  for (int i = 0; i < 20; ++i) members.push_back(zip_member("more" + std::to_string(i), ""));
  EXPECT_THAT(refused_zip(zipped(members)).what(), AllOf(HasSubstr("\"more7\" and 12 more"), Not(HasSubstr("more8"))));
}

TEST(Zip, RefusesEncryption) {
  ZipMember member = zip_member("x.txt", "secret");
  member.flags |= 1;
  EXPECT_THAT(refused_zip(zipped({member})).what(), AllOf(HasSubstr("\"x.txt\" is encrypted"), HasSubstr("password")));
}

TEST(Zip, RefusesUnknownCompression) {
  ZipMember member = zip_member("x.txt", "text");
  member.method = 97;  // WavPack
  EXPECT_THAT(refused_zip(zipped({member})).what(), HasSubstr("method 97"));
}

TEST(Zip, RefusesAClaimOfAHundredGigabytes) {
  ZipMember member = zip_member("x.txt", "hello");
  member.size = 100'000'000'000;
  EXPECT_THAT(refused_zip(zipped({member})).what(),
              AllOf(HasSubstr("\"x.txt\" unpacks to 100000000000 bytes"), HasSubstr("1073741824 is the limit")));
}

TEST(Zip, StopsABombAtTheLimitWhateverItClaims) {
  ZipMember member = zip_member("x.txt", std::string(8 << 20, 'a'));
  EXPECT_EQ(unzip(zipped({member}), "a.zip", std::nullopt, 8 << 20).size(), 8u << 20);
  EXPECT_THAT(refused_zip(zipped({member}), std::nullopt, 1 << 20).what(), HasSubstr("unpacks to 8388608 bytes"));
  member.size = 10;
  EXPECT_THAT(refused_zip(zipped({member}), std::nullopt, 1 << 20).what(),
              HasSubstr("unpacks to more than 1048576 bytes"));
}

TEST(Zip, RefusesWrongSizesAndChecksums) {
  const std::string text = text_of(300'000);
  ZipMember member = zip_member("x.txt", text);
  member.crc ^= 1;
  EXPECT_THAT(refused_zip(zipped({member})).what(), AllOf(HasSubstr("\"x.txt\" is damaged"), HasSubstr("CRC")));
  for (const std::uint64_t size : {text.size() - 1, text.size() + 1}) {
    member = zip_member("x.txt", text);
    member.size = size;
    EXPECT_THAT(refused_zip(zipped({member})).what(), HasSubstr("is damaged"));
  }
  for (std::size_t i = 0; i < member.packed.size(); i += 997) {
    member = zip_member("x.txt", text);
    member.packed[i] ^= 0x20;
    EXPECT_THAT(refused_zip(zipped({member})).what(), HasSubstr("is damaged"));
  }
}

TEST(Zip, RefusesTruncationAtEveryByte) {
  const std::string archive = zipped({zip_member("x.txt", text_of(200))});
  for (std::size_t size = 4; size < archive.size(); ++size) {  // fewer than four bytes are not recognised as a zip
    EXPECT_THAT(refused_zip(archive.substr(0, size)).what(), HasSubstr("truncated or damaged"));
  }
}

}  // namespace
}  // namespace unroll
