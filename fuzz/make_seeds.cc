// fuzz_seeds FOLDER: writes the seed inputs of the fuzzers, one folder per fuzzer, and removes what a fuzzer added
// there.
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "io/archives.h"
#include "io/safetensors.h"
#include "io/workbooks.h"

using namespace unroll;

namespace {

void write(const std::filesystem::path& folder, const std::vector<std::string>& seeds) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    std::ofstream(folder / std::to_string(i), std::ios::binary) << seeds[i];
  }
}

/// Input for the test of the header with a corrected length: the size of the data, seven unused bytes, the header.
std::string header_alone(const std::string& file, char data_size) {
  const std::size_t size = static_cast<unsigned char>(file[0]) + 256u * static_cast<unsigned char>(file[1]);
  return data_size + std::string(7, '\0') + file.substr(8, size);
}

std::vector<std::string> safetensors_seeds() {
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const std::span<const float> all(values);
  const std::string matrix =
      safetensors_bytes({{"config", "{\"hidden\": 3}"}, {"分", "开"}},
                        std::vector<StoredTensor>{{"a", {2, 2}, all.first(4)}, {"b", {2}, all.last(2)}});
  const std::string edges = safetensors_bytes(
      {}, std::vector<StoredTensor>{
              {"empty", {3, 0}, {}}, {"number", {}, all.first(1)}, {"other", {1, 1, 1}, all.last(1)}});
  std::string integers = safetensors_bytes({}, std::vector<StoredTensor>{{"ids", {6}, all}});
  integers.replace(integers.find("F32"), 3, "I32");
  const std::vector<std::uint8_t> letters{'a', 'b', 'c'};
  const std::string bytes = safetensors_bytes({}, std::vector<StoredTensor>{{"w", {6}, all}},
                                              std::vector<StoredBytes>{{"blob", {3}, letters}});
  return {matrix, edges, integers, bytes, safetensors_bytes({}, {}), header_alone(matrix, 24), header_alone(edges, 8)};
}

std::vector<std::string> run_log_seeds() {
  const std::string start = R"({"event":"start","time":"t","cell":"gru","hidden":1,"epochs":4,"steps_per_epoch":2})"
                            "\n";
  const std::string report = R"({"event":"report","time":"t","step":2,"perplexity":9.5})"
                             "\n";
  const std::string validation = R"({"event":"validation","time":"t","step":2,"perplexity":"inf"})"
                                 "\n";
  const std::string rollback = R"({"event":"rollback","time":"t","step":0,"epochs":9})"
                               "\n";
  const std::string stop = R"({"event":"stop","time":"t","reason":"finished","step":2})"
                           "\n";
  return {start + report + validation + rollback + report + stop, start + "{}\n" + report + "{", "[[[[\n"};
}

std::vector<std::string> text_seeds() {
  return {std::string(1, '\0') + "分开 a\r\nb\rc\n", "\x01\ufeffline\nline\r\n", "\x08\U0001f600\U0001f601\u00e9x",
          std::string(1, '\0') + "\xff\xfeh",        "\x02x\xed\xa0\x80",        "\x04The cat's 分开\r\ne\u0301!"};
}

std::vector<std::string> tokenizer_seeds() {
  return {R"({"symbols":["a","分"],"counts":[2,1]})", R"({"unit":"byte","symbols":[228,97],"counts":[1,0]})",
          R"({"unit":"word","symbols":[" ","ab"],"counts":[3,2]})"};
}

std::vector<std::string> csv_seeds() {
  return {"\x05Id,Name,\"Sold Price\"\r\n0,分,1.5e6\r\n1,,\r\n2,\"a, \"\"b\"\"\nc\",\"\"\r\n",
          "\xff\ufeffa;b\n1,5;2\n\n;\n",
          "\x01"
          "a\tb\r1\t2\r\"x\ty\r\n\"\t",
          "\x02"
          "a,b\n1\n",
          "\x03"
          "a,b\n1,\"2",
          "\x09n;d;l\n-$1,234.5;2020-02-29T23:59:59.5Z;a, b\n NA ;1/31/2020;\"b, a\"\n007;x;a,b,\n"};
}

/// The members of workbooks as the fuzzer takes them, with zero bytes between.
std::vector<std::string> workbook_seeds() {
  const std::string
      begin =
          "<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v>"
          "</c></row>",
      end = "</sheetData></worksheet>";
  const std::string values = begin +
                             "<row r=\"3\"><c r=\"A3\"><v>1.5</v></c><c r=\"B3\" s=\"1\"><v>43831.5</v></c></row>"
                             "<row hidden=\"1\"><c t=\"b\"><v>1</v></c><c t=\"e\"><v>#N/A</v></c></row>"
                             "<row><c t=\"inlineStr\"><is><r><t>a_x000D_</t></r><rPh><t>b</t></rPh></is></c>"
                             "<c s=\"2\"><f>A1</f><v>0.5</v></c></row>"
                             "<row><c t=\"d\"><v>2020-01-31T12:00:00</v></c><c t=\"str\"><v>x</v></c></row>" +
                             "</sheetData><mergeCells><mergeCell/></mergeCells></worksheet>";
  std::string all;
  for (const auto& [name, xml] :
       TestWorkbook{.sheets = {{"A", ""}}, .strings = {"<t>a</t>"}, .styles = {0, 165}, .formats = {{165, "[h]:mm d"}}}
           .parts())
    all += xml + '\0';
  return {values, begin + "<row><c><v>1</v></c></row>" + end, begin + end, all};
}

std::vector<std::string> encoding_seeds() {
  return {std::string("\x0a"
                      "a\0\n\0\x06\x52",
                      7),
          std::string("\x01\0a\0\n\x52\x06", 7),
          "\x03\xb7\xd6\xbf\xaa a\n",
          "\x0d\x81\x30\x81\x30",
          "\x05\x93\x58\x82\xf0\xb1",
          "\x09\x1b$B%s\x1b(B",
          "\x08K\xf6ln, \x93Gr\xfc\xdf"
          "e\x94"};
}

std::vector<std::string> zip_seeds() {
  const std::string bomb(1 << 17, 'x');
  ZipMember encrypted = zip_member("a.txt", "secret"), huge = zip_member("a.txt", "huge"),
            lying = zip_member("a.txt", bomb);
  encrypted.flags |= 1;
  huge.size = 100'000'000'000;
  lying.size = 10;
  const std::string text = "a text that a compressor finds repetitive, repetitive, repetitive";
  return {zipped({zip_member("a.txt", text)}),
          zipped({stored_zip_member("folder/", ""), stored_zip_member("folder/a.txt", text)}),
          zipped({zip_member("a.txt", text), zip_member("b.txt", "")}),
          zipped({encrypted}),
          zipped({huge}),
          zipped({lying}),
          zipped({}),
          gzipped(text),
          gzipped(text) + gzipped(""),
          gzipped(bomb)};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  write(folder / "csv", csv_seeds());
  write(folder / "encoding", encoding_seeds());
  write(folder / "forms", {"-1.234,56 €", "(12,34,567.5)", "USD 1'234.5e3", "1.2k+", "55 sqm", "1234.5 [kMB]",
                           "2020-01-31T23:59:59.5Z", "20200131T235959", "31. January 20", "Jan 31, 2020 11:59 pm"});
  write(folder / "run_log", run_log_seeds());
  write(folder / "safetensors", safetensors_seeds());
  write(folder / "text", text_seeds());
  write(folder / "tokenizer", tokenizer_seeds());
  write(folder / "workbook", workbook_seeds());
  write(folder / "zip", zip_seeds());
}
