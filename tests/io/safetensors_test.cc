#include "io/safetensors.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

#include <bit>
#include <filesystem>
#include <limits>
#include <numeric>

#include "io/error_of.h"
#include "io/temporary_folder.h"
#include "support/failing_file_system.h"

namespace unroll {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string file_of(const std::string& header, const std::string& data = "") {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> 8 * i & 0xff);
  return bytes + header + data;
}

std::string zeros(std::size_t size) { return std::string(size, '\0'); }

Error refused_tensors(const std::string& bytes) {
  const Error error = error_of([&] { SafetensorsFile::parse(bytes, "m.safetensors"); });
  EXPECT_EQ(error.code(), ExitCode::bad_data);
  EXPECT_THAT(error.what(), testing::StartsWith("m.safetensors: "));
  return error;
}

std::vector<std::uint32_t> bits_of(std::span<const float> values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

TEST(Safetensors, WritesTheDocumentedBytes) {
  const std::vector<float> one{1.0f}, two{-2.0f, 0.5f};
  const std::vector<StoredTensor> tensors{{"w", {1, 2}, two}, {"b", {}, one}};
  const std::string header =
      R"({"__metadata__":{"xxh3":"ec67091bea736859","k":"\"v\""},"b":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
      R"("w":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}})";
  const std::string data("\x00\x00\x80\x3f\x00\x00\x00\xc0\x00\x00\x00\x3f", 12);
  ASSERT_EQ(header.size(), 164u);
  EXPECT_EQ(safetensors_bytes({{"k", "\"v\""}}, tensors), file_of(header + "    ", data));
  EXPECT_EQ(safetensors_bytes({}, {}), file_of(R"({"__metadata__":{"xxh3":"fa7553a9cdc20bcb"}}    )"));
}

TEST(Safetensors, WritesBytesBehindFloats) {
  const std::vector<float> one{1.0f};
  const std::vector<std::uint8_t> three{'x', 'y', 'z'}, two{'u', '\n'};
  const std::string file =
      safetensors_bytes({}, std::vector<StoredTensor>{{"w", {}, one}},
                        std::vector<StoredBytes>{{"c", {1, 2}, two}, {"b", {3}, three}, {"a", {0}, {}}});
  EXPECT_THAT(file, HasSubstr(R"("w":{"dtype":"F32","shape":[],"data_offsets":[0,4]},)"
                              R"("a":{"dtype":"U8","shape":[0],"data_offsets":[4,4]},)"
                              R"("b":{"dtype":"U8","shape":[3],"data_offsets":[4,7]},)"
                              R"("c":{"dtype":"U8","shape":[1,2],"data_offsets":[7,9]}})"));
  EXPECT_TRUE(file.ends_with(std::string("\x00\x00\x80\x3fxyzu\n", 9)));
  const SafetensorsFile read = SafetensorsFile::parse(file, "m");
  ASSERT_EQ(read.bytes().size(), 3u);
  EXPECT_EQ(read.bytes()[0].name, "a");
  EXPECT_THAT(read.bytes()[1].values, ElementsAre('x', 'y', 'z'));
  EXPECT_THAT(read.bytes()[2].shape, ElementsAre(1, 2));
  EXPECT_THAT(read.find("w")->values, ElementsAre(1.0f));
  EXPECT_EQ(read.find("b"), nullptr);
}

TEST(Safetensors, RefusesToWriteWhatIsNotUtf8) {
  EXPECT_THAT(error_of([] { safetensors_bytes({{"k", "\xff"}}, {}); }).what(), HasSubstr("UTF-8"));
}

TEST(Safetensors, WritesTheSameBytesPieceByPiece) {
  const TemporaryFolder folder;
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const std::vector<StoredTensor> tensors{{"b", {2}, std::span(values).first(2)},
                                          {"a", {4}, std::span(values).last(4)}};
  const std::string path = folder.path("m.safetensors");
  int calls = 0;
  write_safetensors(path, {{"k", "v"}}, tensors, [&](const WritePiece& write) {
    ++calls;
    write({reinterpret_cast<const char*>(&values[2]), 12});
    write({reinterpret_cast<const char*>(&values[5]), 4});
    write({reinterpret_cast<const char*>(&values[0]), 8});
  });
  EXPECT_EQ(folder.contents("m.safetensors"), safetensors_bytes({{"k", "v"}}, tensors));
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(SafetensorsFile::read(path).has_checksum());
}

TEST(Safetensors, AFullDiskLeavesTheOldFile) {
  const TemporaryFolder folder;
  const std::string path = folder.file("m.safetensors", "the old one");
  FailingFileSystem files(real_file_system(), {.at = 4, .error = ENOSPC});
  const auto write = [&] {
    write_safetensors(
        path, {}, {}, [](const WritePiece& piece) { piece(""); }, files);
  };
  EXPECT_EQ(error_of(write).code(), ExitCode::io);
  EXPECT_EQ(folder.contents("m.safetensors"), "the old one");
}

RC_GTEST_PROP(Safetensors, ReadsWhatItWrites, ()) {
  const auto metadata =
      *rc::gen::map(rc::gen::container<std::map<int, int>>(rc::gen::arbitrary<int>(), rc::gen::inRange(0, 9)),
                    [](const std::map<int, int>& numbers) {
                      std::map<std::string, std::string> text;
                      for (const auto& [k, v] : numbers)
                        text["分\n" + std::to_string(k)] = std::string(std::size_t(v), '"');
                      return text;
                    });
  const auto shapes = *rc::gen::container<std::map<int, std::vector<int>>>(
      rc::gen::arbitrary<int>(), rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 4)));
  std::map<std::string, std::vector<float>> values;
  std::vector<StoredTensor> tensors;
  for (const auto& [number, extents] : shapes) {
    if (extents.size() > 6) continue;
    const std::string name = "tensor" + std::to_string(number);
    const std::vector<std::int64_t> shape(extents.begin(), extents.end());
    const auto size =
        static_cast<std::size_t>(std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>()));
    for (std::size_t i = 0; i < size; ++i)
      values[name].push_back(std::bit_cast<float>(*rc::gen::arbitrary<std::uint32_t>()));
    tensors.push_back({name, shape, values[name]});
  }
  const std::string bytes = safetensors_bytes(metadata, tensors);
  RC_ASSERT(bytes[8] == '{' && static_cast<unsigned char>(bytes[0]) % 8 == 0);
  const SafetensorsFile file = SafetensorsFile::parse(bytes, "m");
  RC_ASSERT(file.has_checksum());
  RC_ASSERT(file.metadata() == metadata);
  RC_ASSERT(file.tensors().size() == tensors.size());
  for (const StoredTensor& tensor : tensors) {
    const StoredTensor* found = file.find(tensor.name);
    RC_ASSERT(found != nullptr);
    RC_ASSERT(found->shape == tensor.shape);
    RC_ASSERT(bits_of(found->values) == bits_of(tensor.values));
  }
  RC_ASSERT(safetensors_bytes(file.metadata(), file.tensors()) == bytes);
}

TEST(Safetensors, ReadsThroughAFileAndOutlivesItsCopies) {
  const TemporaryFolder folder;
  const std::vector<float> values{1, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(),
                                  -0.0f};
  const std::string path =
      folder.file("m.safetensors", safetensors_bytes({}, std::vector<StoredTensor>{{"w", {4}, values}}));
  auto first = std::make_unique<SafetensorsFile>(SafetensorsFile::read(path));
  const SafetensorsFile second = *first;
  first.reset();
  EXPECT_EQ(bits_of(second.find("w")->values), bits_of(values));
  EXPECT_EQ(second.find("v"), nullptr);
  EXPECT_EQ(second.find("x"), nullptr);

  EXPECT_EQ(error_of([&] { SafetensorsFile::read(folder.path("none")); }).code(), ExitCode::no_input);
  EXPECT_EQ(error_of([&] { SafetensorsFile::read(folder.path("")); }).code(), ExitCode::no_input);
}

TEST(Safetensors, ReadsHeadersOfAnyLengthAndOrder) {
  const std::string data("\x00\x00\x80\x3f\x07\x00\x00\x00", 8);
  std::string header =
      R"({"i":{"shape":[1],"data_offsets":[4,8],"dtype":"I32"}, "f":{"data_offsets":[0,4],"dtype":"F32","shape":[]},)"
      R"("none":{"dtype":"F32","shape":[3,0],"data_offsets":[4,4]}})";
  for (int padding = 0; padding < 9; ++padding, header += ' ') {
    const SafetensorsFile file = SafetensorsFile::parse(file_of(header, data), "m");
    ASSERT_EQ(file.tensors().size(), 2u);
    EXPECT_THAT(file.find("f")->values, ElementsAre(1.0f));
    EXPECT_TRUE(file.find("none")->values.empty());
    ASSERT_EQ(file.ints().size(), 1u);
    EXPECT_EQ(file.ints()[0].name, "i");
    EXPECT_THAT(file.ints()[0].values, ElementsAre(7));
  }
}

TEST(Safetensors, ReadsFilesOfTheReferenceWriter) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(UNROLL_SOURCE_DIR "/tests/golden")) {
    if (entry.path().extension() != ".safetensors") continue;
    const SafetensorsFile file = SafetensorsFile::read(entry.path().string());
    EXPECT_FALSE(file.tensors().empty()) << entry.path();
    EXPECT_TRUE(file.metadata().contains("torch")) << entry.path();
    EXPECT_FALSE(file.has_checksum()) << entry.path();
    ++count;
  }
  EXPECT_GT(count, 0);
}

struct Broken {
  std::string what;
  std::string bytes;
};
void PrintTo(const Broken& broken, std::ostream* stream) { *stream << broken.what; }

/// A header with one tensor, "w", of the given fields.
std::string tensor(const std::string& fields) { return "{\"w\":{" + fields + "}}"; }
std::string tensor(const std::string& shape, const std::string& offsets) {
  return tensor(R"("dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets);
}

class BrokenSafetensors : public testing::TestWithParam<Broken> {};

TEST_P(BrokenSafetensors, IsRefusedByTheRule) {
  EXPECT_THAT(refused_tensors(GetParam().bytes).what(), HasSubstr(GetParam().what));
}

INSTANTIATE_TEST_SUITE_P(
    Frame, BrokenSafetensors,
    testing::Values(Broken{"0 bytes do not hold the header's length", ""}, Broken{"7 bytes", zeros(7)},
                    Broken{"not a safetensors file: the header's length at byte offset 0 is 100000001, above 100000000",
                           std::string("\x01\xe1\xf5\x05\0\0\0\0", 8) + "{}"},
                    Broken{"above 100000000", std::string(8, '\xff') + "{}"},
                    Broken{"the header ends at byte offset 100000008, the file at 10",
                           std::string("\0\xe1\xf5\x05\0\0\0\0", 8) + "{}"},
                    Broken{"byte offset 8 does not begin with {", file_of("")},
                    Broken{"byte offset 8 does not begin with {", file_of(" {}")},
                    Broken{"byte offset 8 does not begin with {", file_of("[]")},
                    Broken{"byte offset 10 must be a brace or a space", file_of("{}\n")},
                    Broken{"byte offset 11 must be a brace or a space", file_of("{} x")},
                    Broken{"4 bytes follow the last tensor, which ends at byte offset 10", file_of("{}", zeros(4))},
                    Broken{"it ends at byte offset 65, and 1 bytes of tensors are missing",
                           file_of(tensor("[1]", "[0,4]"), zeros(3))}));

INSTANTIATE_TEST_SUITE_P(
    Json, BrokenSafetensors,
    testing::Values(
        Broken{"not valid JSON near byte offset 9", file_of("{{}")}, Broken{"not valid JSON", file_of("{\"a\":}")},
        Broken{"not valid JSON near byte offset 10", file_of("{}{}")},
        Broken{"not valid JSON", file_of("{\"\xff\":{}}")},
        Broken{"\"w\" is there twice", file_of(R"({"w":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"w":{}})")},
        Broken{"\"__metadata__\" is there twice", file_of(R"({"__metadata__":{},"__metadata__":{}})")},
        Broken{"\"a\" is twice in __metadata__", file_of(R"({"__metadata__":{"a":"1","a":"2"}})")},
        Broken{"__metadata__ \"a\" has a number where a string", file_of(R"({"__metadata__":{"a":1}})")},
        Broken{"__metadata__ \"a\" has an object where a string", file_of(R"({"__metadata__":{"a":{}}})")},
        Broken{"\"__metadata__\" has null where an object", file_of(R"({"__metadata__":null})")},
        Broken{"\"w\" has an array where an object", file_of(R"({"w":[]})")},
        Broken{"tensor \"w\" needs dtype, shape and data_offsets", file_of(tensor(R"("dtype":"F32","shape":[0])"))},
        Broken{"tensor \"w\" needs", file_of(tensor(R"("dtype":"F32","data_offsets":[0,0])"))},
        Broken{"tensor \"w\" needs", file_of(tensor(R"("shape":[0],"data_offsets":[0,0])"))},
        Broken{"unknown field \"x\"", file_of(tensor(R"("x":1)"))},
        Broken{"tensor \"w\" has \"dtype\" twice", file_of(tensor(R"("dtype":"F32","dtype":"F32")"))},
        Broken{"tensor \"w\" has \"shape\" twice", file_of(tensor(R"("shape":[],"shape":[])"))},
        Broken{"\"data_offsets\" twice", file_of(tensor(R"("data_offsets":[0,0],"data_offsets":[0,0])"))},
        Broken{"dtype has a boolean", file_of(tensor(R"("dtype":true)"))},
        Broken{"shape has a string", file_of(tensor(R"("shape":"[]")"))}));

INSTANTIATE_TEST_SUITE_P(
    Tensors, BrokenSafetensors,
    testing::Values(
        Broken{"shape has a negative number", file_of(tensor("[-1]", "[0,4]"))},
        Broken{"shape has a number that is no 64-bit integer", file_of(tensor("[1.0]", "[0,4]"))},
        Broken{"shape has a number that is no 64-bit integer", file_of(tensor("[18446744073709551616]", "[0,4]"))},
        Broken{"shape has a number above 2^63", file_of(tensor("[9223372036854775808]", "[0,4]"))},
        Broken{"shape has an array", file_of(tensor("[[1]]", "[0,4]"))},
        Broken{"data_offsets must be two numbers", file_of(tensor("[1]", "[0]"))},
        Broken{"data_offsets must be two numbers", file_of(tensor("[1]", "[]"))},
        Broken{"data_offsets has a number", file_of(tensor("[1]", "[0,4,8]"))},
        Broken{"more than 2^64 bytes", file_of(tensor("[4611686018427387904,1]", "[0,0]"))},
        Broken{"more than 2^64 bytes", file_of(tensor("[2147483648,2147483648,0]", "[0,0]"))},
        Broken{"tensor \"w\": data_offsets 0 to 8 do not hold the 4 bytes", file_of(tensor("[1]", "[0,8]"), zeros(8))},
        Broken{"data_offsets 4 to 0 do not hold", file_of(tensor("[1]", "[4,0]"), zeros(4))},
        Broken{"data_offsets 8 to 4 do not hold the 18446744073709551612 bytes",
               file_of(R"({"u":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
                       R"("v":{"dtype":"F32","shape":[4611686018427387903],"data_offsets":[8,4]}})",
                       zeros(4))},
        Broken{"begins at 4 after the header, leaving a hole after", file_of(tensor("[1]", "[4,8]"), zeros(8))},
        Broken{"tensor \"v\" begins at 0 after the header, overlapping the end of the one before it at 4",
               file_of(R"({"u":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                       R"("v":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
                       zeros(8))},
        Broken{"tensor \"w\" has dtype \"I64\", and only F32, I32 and U8 are read",
               file_of(tensor(R"("dtype":"I64","shape":[1],"data_offsets":[0,8])"), zeros(8))},
        Broken{"data_offsets 0 to 4 do not hold the 1 bytes",
               file_of(tensor(R"("dtype":"U8","shape":[1],"data_offsets":[0,4])"), zeros(4))},
        Broken{"tensor \"v\" begins at 3 after the header, which is no multiple of the 4 bytes of an element",
               file_of(R"({"u":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                       R"("v":{"dtype":"F32","shape":[1],"data_offsets":[3,7]}})",
                       zeros(7))}));

std::string small_file() {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  return safetensors_bytes(
      {{"config", "{\"hidden\": 3}"}},
      std::vector<StoredTensor>{{"a", {2, 2}, std::span(values).first(4)}, {"b", {2}, std::span(values).last(2)}});
}

TEST(Safetensors, RefusesTruncationAtEveryByte) {
  const std::string bytes = small_file();
  for (std::size_t size = 0; size < bytes.size(); ++size) refused_tensors(bytes.substr(0, size));
}

TEST(Safetensors, NamesTheChecksumThatDoesNotFit) {
  std::string bytes = small_file();
  EXPECT_EQ(bytes.find("\"xxh3\":\""), 25u);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  EXPECT_THAT(refused_tensors(bytes).what(),
              AllOf(HasSubstr("damaged or truncated safetensors file: its " + std::to_string(bytes.size()) + " bytes"),
                    HasSubstr("the checksum \"xxh3\" that is written at byte offset 33"),
                    HasSubstr("fetch or save the file again")));
}

// A flipped bit in the four letters of "xxh3" may turn it into another key: the file then has no checksum but is
// otherwise unchanged.
TEST(Safetensors, RefusesEveryFlippedBitOrHasNoChecksum) {
  const std::string bytes = small_file();
  const SafetensorsFile whole = SafetensorsFile::parse(bytes, "m");
  int without = 0;
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    try {
      const SafetensorsFile file = SafetensorsFile::parse(flipped, "m.safetensors");
      EXPECT_FALSE(file.has_checksum()) << bit;
      EXPECT_TRUE(bit / 8 >= 26 && bit / 8 < 30) << bit;
      EXPECT_EQ(file.metadata().at("config"), whole.metadata().at("config"));
      EXPECT_THAT(file.find("a")->values, testing::ElementsAreArray(whole.find("a")->values));
      ++without;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_THAT(error.what(), testing::StartsWith("m.safetensors: "));
    }
  }
  EXPECT_GT(without, 0);
  EXPECT_LE(without, 4 * 8);
}

TEST(Safetensors, AKeyOfThatNameElsewhereIsNoChecksum) {
  const SafetensorsFile file = SafetensorsFile::parse(file_of(R"({"__metadata__":{"a":"b","xxh3":"x"}})"), "m");
  EXPECT_FALSE(file.has_checksum());
  EXPECT_EQ(file.metadata().size(), 1u);
}

}  // namespace
}  // namespace unroll
