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

/// A choice of what to replace, and the replacement: the JSON of numbers, that of the run, or single numbers in them.
std::vector<std::string> checkpoint_seeds() {
  const std::string edit("\x01\x02\x05\0\0\0\0\0\0\0", 10);
  return {std::string(1, '\0') + R"({"epoch":2,"step":2,"accumulate":1,"shards":1.0})",
          std::string(1, '\1') + R"({"seconds":1,"epoch":1,"rollbacks":0,"origin":0})", '\2' + edit, '\3' + edit,
          '\2' + edit + std::string("\x22\x01\0\0\0\0\0\0\xf0\x3f", 10)};
}

std::vector<std::string> settings_seeds() {
  return {R"({"format":2,"options":{"FILE":"a.txt","hidden":4,"dropout":0.5,"tied":false,"prefix":["a"],"epochs":2}})",
          R"({"FILE":["a"],"checkpoint-every":["5min"],"lr":["1e-3"],"schedule":["step"]})",
          R"({"format":2,"options":{"FILE":[255,97],"prefix":[[255],"b"]}})"};
}

std::vector<std::string> model_json_seeds() {
  return {R"({"cell":"gru","activation":"tanh","hidden":4,"layers":1,"embedding":0,"tied":false,"dropout":0.0,)"
          R"("bidirectional":false,"biases":"two","newlines":"keep","vocabulary_size":12})",
          R"({"cell":"rnn","activation":"relu","hidden":2,"layers":2,"embedding":4,"tied":true,"dropout":0.5,)"
          R"("bidirectional":false,"biases":"one","newlines":"space","vocabulary_size":1})"};
}

std::vector<std::string> encoder_seeds() {
  const std::string columns = R"("columns":[{"name":"number","kind":"number"},{"name":"category","kind":"category"},)"
                              R"({"name":"date","kind":"date"},{"name":"list","kind":"list"},)"
                              R"({"name":"text","kind":"text"}])";
  return {
      R"({"scales":{"number":1,"missing":1,"value":1,"level":1,"bin":1},)" + columns + R"(,"groups":[)" +
          R"({"group":"number","column":"number","part":"value","median":1,"missing":true,"values":[1.5],"scaled":true,)" +
          R"("logarithm":true,"low":0,"high":2,"mean":1,"deviation":1,"edges":[0.5,1]},)" +
          R"({"group":"periodic","column":"date","part":"weekday"},)" +
          R"({"group":"levels","column":"category","missing":true,"levels":["a"],"pool":true}]})",
      R"({"scales":{"number":1,"missing":1,"value":1,"level":1,"bin":1},)" + columns + R"(,"groups":[)" +
          R"({"group":"mean","deviation":1,"column":"category","mean":1,"missing":2,"levels":["a"],"means":[3]},)" +
          R"({"group":"tokens","column":"list","missing":true,"tokens":["x"]},)" +
          R"({"group":"text","column":"text","masked":false}]})",
      R"({"numbers":[{"column":"number","what":"items"},{"column":"date","what":"month"}],)"
      R"("means":[{"column":"category","mean":1,"missing":2,"levels":["a"],"means":[3]}],)"
      R"("tokens":[{"column":"list","missing":true,"tokens":["x"]}],"texts":[{"column":"text","masked":true}]})"};
}

std::vector<std::string> config_seeds() {
  return {"# recipe\nhidden = 256\nlr = 1e-3\ntied = true\nprefix = [\"a\", 'b']\n",
          "prefix = \"\"\"\na.b\n\"\"\"\nout = \"a\\u0000b\"\n", "[train]\na.b.c = {d = 1, e.f = [1, {}]}\n",
          "steps = 0x10\nseed = 1_000\nclip = inf\ndate = 1979-05-27T07:32:00Z\n"};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path folder = argv[1];
  write(folder / "checkpoint", checkpoint_seeds());
  write(folder / "config", config_seeds());
  write(folder / "csv", csv_seeds());
  write(folder / "encoding", encoding_seeds());
  write(folder / "encoders", encoder_seeds());
  write(folder / "forms", {"-1.234,56 €", "(12,34,567.5)", "USD 1'234.5e3", "1.2k+", "55 sqm", "1234.5 [kMB]",
                           "2020-01-31T23:59:59.5Z", "20200131T235959", "31. January 20", "Jan 31, 2020 11:59 pm"});
  write(folder / "hosts", {"node1 slots=4\nnode2\n", "# none\n\nhost slots=100000 # many\n", "a slots=x\n"});
  write(folder / "model_json", model_json_seeds());
  write(folder / "run_log", run_log_seeds());
  write(folder / "safetensors", safetensors_seeds());
  write(folder / "settings", settings_seeds());
  write(folder / "text", text_seeds());
  write(folder / "tokenizer", tokenizer_seeds());
  write(folder / "workbook", workbook_seeds());
  write(folder / "zip", zip_seeds());
}
