#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>

#include "io/safetensors.h"
#include "language/model_fixtures.h"
#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {
namespace {

using nlohmann::json;
using test::letters;
using test::values_of;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::size_t header_end_of(const std::string& file) {
  std::uint64_t size = 0;
  std::memcpy(&size, file.data(), sizeof size);
  return sizeof size + size;
}

/// A model file that exists during one test.
class ModelFile : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path_); }

  void write(const std::string& bytes) {
    std::filesystem::remove(path_);  // truncating an existing file makes some file systems wait for the disk
    std::ofstream(path_, std::ios::binary) << bytes;
  }
  void save(const LanguageModelOptions& options, int symbols = 4) {
    LanguageModel(context_, letters(symbols), options).save(path_);
  }

  /// Error message of load() for the file.
  std::string refusal(ExitCode code = ExitCode::bad_data) {
    try {
      LanguageModel::load(context_, path_);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), code) << error.what();
      const std::string message = error.what();
      EXPECT_THAT(message, AllOf(HasSubstr(path_), Not(HasSubstr("\n"))));
      return message;
    }
    ADD_FAILURE() << "the file was accepted";
    return "";
  }

  /// Contents of a small model's file, which a test changes before the file is written again.
  struct Parts {
    std::map<std::string, std::string> metadata;
    std::map<std::string, std::vector<float>> values;
    std::map<std::string, std::vector<std::int64_t>> shapes;
    std::vector<StoredBytes> bytes;

    void set(const char* key, const std::function<void(json&)>& change) {
      json object = json::parse(metadata.at(key));
      change(object);
      metadata[key] = object.dump();
    }
  };
  std::string refusal_after(const std::function<void(Parts&)>& change,
                            const LanguageModelOptions& options = {.hidden = 3}) {
    save(options);
    const SafetensorsFile file = SafetensorsFile::read(path_);
    Parts parts{.metadata = file.metadata(), .values = {}, .shapes = {}, .bytes = {}};
    for (const StoredTensor& tensor : file.tensors()) {
      parts.values[tensor.name].assign(tensor.values.begin(), tensor.values.end());
      parts.shapes[tensor.name] = tensor.shape;
    }
    change(parts);
    std::vector<StoredTensor> tensors;
    for (const auto& [name, values] : parts.values) {
      tensors.push_back({.name = name, .shape = parts.shapes.at(name), .values = values});
    }
    write(safetensors_bytes(parts.metadata, tensors, parts.bytes));
    return refusal();
  }
  std::string refusal_of_config(const char* field, const json& value) {
    return refusal_after([&](Parts& parts) { parts.set("config", [&](json& config) { config[field] = value; }); });
  }

  Context context_;
  const std::string path_ =
      ::testing::TempDir() + "model_file_" + ::testing::UnitTest::GetInstance()->current_test_info()->name();
};

const LanguageModelOptions every_kind[] = {
    {.cell = CellType::rnn, .activation = Activation::relu, .hidden = 5},
    {.cell = CellType::rnn, .activation = Activation::sigmoid, .hidden = 35, .biases = Biases::one},
    {.cell = CellType::gru, .hidden = 5, .layers = 2, .embedding = 33, .dropout = 0.1f},
    {.cell = CellType::lstm, .hidden = 4, .layers = 2, .newlines = Newlines::space},
    {.cell = CellType::lstm, .hidden = 40, .layers = 2, .biases = Biases::one},
    {.cell = CellType::gru, .hidden = 7, .embedding = 7, .tied = true},
};

TEST_F(ModelFile, LoadsWhatWasSavedBitForBit) {
  for (const LanguageModelOptions& options : every_kind) {
    const LanguageModel saved(context_, letters(9), options);
    saved.save(path_);
    const std::string bytes = bytes_of(path_);
    Context other({.seed = 77, .threads = 1});
    const LanguageModel loaded = LanguageModel::load(other, path_);
    EXPECT_EQ(loaded.options().cell.name(), options.cell.name());
    EXPECT_EQ(loaded.options().activation, options.activation);
    EXPECT_EQ(loaded.options().hidden, options.hidden);
    EXPECT_EQ(loaded.options().layers, options.layers);
    EXPECT_EQ(loaded.options().embedding, options.embedding);
    EXPECT_EQ(loaded.options().tied, options.tied);
    EXPECT_EQ(loaded.options().dropout, options.dropout);
    EXPECT_EQ(loaded.options().biases, options.biases);
    EXPECT_EQ(loaded.options().newlines, options.newlines);
    EXPECT_EQ(loaded.vocabulary(), saved.vocabulary());
    ASSERT_EQ(loaded.parameters().entries().size(), saved.parameters().entries().size());
    for (std::size_t i = 0; i < saved.parameters().entries().size(); ++i) {
      const Parameters::Entry &ours = loaded.parameters().entries()[i], &theirs = saved.parameters().entries()[i];
      EXPECT_EQ(ours.name, theirs.name);
      EXPECT_EQ(values_of(ours.var), values_of(theirs.var)) << ours.name;
    }
    loaded.save(path_);
    EXPECT_EQ(bytes_of(path_), bytes);
  }
}

TEST_F(ModelFile, TakesEverySymbol) {
  const std::vector<std::string> symbols = {std::string(1, '\0'), "\n",     "\"",        "\\", "é", "分",
                                            "\U0001F600",         "\uFFFF", "\U0010FFFF"};
  const std::vector<std::int64_t> counts = {9, 8, 7, 1'000'000'000'000, 0, 5, 4, 3, 2};
  const Tokenizer vocabulary = Tokenizer::from(TokenUnit::character, symbols, counts);
  LanguageModel(context_, vocabulary, {.hidden = 2}).save(path_);
  EXPECT_EQ(LanguageModel::load(context_, path_).vocabulary(), vocabulary);
  const json stored = json::parse(SafetensorsFile::read(path_).metadata().at("vocabulary"));
  EXPECT_THAT(stored["symbols"].get<std::vector<std::string>>(),
              ElementsAre(std::string(1, '\0'), "\n", "\"", "\\", "é", "分", "\U0001F600", "\uFFFF", "\U0010FFFF"));
  EXPECT_EQ(stored["counts"].get<std::vector<std::int64_t>>(), counts);
}

TEST_F(ModelFile, HoldsTheDocumentedMetadataAndNothingElse) {
  LanguageModel(context_, letters(2), every_kind[2]).save(path_);
  const std::map<std::string, std::string> expected = {
      {"format", "unroll.language_model"},
      {"format_version", "1"},
      {"config", R"({"cell":"gru","activation":"tanh","hidden":5,"layers":2,"embedding":33,"tied":false,"dropout":0.1,)"
                 R"("bidirectional":false,"biases":"two","newlines":"keep","vocabulary_size":2})"},
      {"vocabulary", R"({"symbols":["a","b"],"counts":[2,1]})"}};
  EXPECT_EQ(SafetensorsFile::read(path_).metadata(), expected);
}

/// Sets element (row, column) of a parameter, in the library's layout, to 100 * row + column.
void number(LanguageModel& model, const std::string& name) {
  const Shape shape = model.parameters().find(name)->var.shape();
  test::edit_parameter(model, name, [&](std::span<float> values) {
    for (std::int64_t i = 0; i < shape.size(); ++i) {
      values[static_cast<std::size_t>(i)] = static_cast<float>(100 * (i / shape.columns()) + i % shape.columns());
    }
  });
}

TEST_F(ModelFile, IsLaidOutAsPyTorchHasIt) {
  LanguageModel model(context_, letters(3), {.cell = CellType::gru, .hidden = 2, .embedding = 2});
  for (const auto& entry : model.parameters().entries()) number(model, entry.name);
  model.save(path_);
  const SafetensorsFile file = SafetensorsFile::read(path_);
  const auto stored = [&](const char* name, std::vector<std::int64_t> shape) {
    const StoredTensor* tensor = file.find(name);
    EXPECT_EQ(tensor->shape, shape) << name;
    return std::vector<float>(tensor->values.begin(), tensor->values.end());
  };
  // Computed by hand: a row is an input in the library's layout, and a unit of a gate in PyTorch's: r0 r1 z0 z1 n0 n1.
  EXPECT_THAT(stored("rnn.weight_ih_l0", {6, 2}), ElementsAre(0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 5, 105));
  EXPECT_THAT(stored("rnn.weight_hh_l0", {6, 2}), ElementsAre(0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 5, 105));
  EXPECT_THAT(stored("rnn.bias_ih_l0", {6}), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(stored("rnn.bias_hh_l0", {6}), ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_THAT(stored("encoder.weight", {3, 2}), ElementsAre(0, 1, 100, 101, 200, 201));
  EXPECT_THAT(stored("decoder.weight", {3, 2}), ElementsAre(0, 100, 1, 101, 2, 102));
  EXPECT_THAT(stored("decoder.bias", {3}), ElementsAre(0, 1, 2));
  EXPECT_EQ(file.tensors().size(), 7u);
}

TEST_F(ModelFile, HoldsATiedWeightOnce) {
  save({.cell = CellType::rnn, .hidden = 3, .embedding = 3, .tied = true});
  const SafetensorsFile file = SafetensorsFile::read(path_);
  EXPECT_NE(file.find("encoder.weight"), nullptr);
  EXPECT_EQ(file.find("decoder.weight"), nullptr);
  const LanguageModelOptions tied{.hidden = 3, .embedding = 3, .tied = true};
  const auto config = [](const std::function<void(json&)>& change) {
    return [change](Parts& parts) { parts.set("config", change); };
  };
  EXPECT_THAT(refusal_after(config([](json& c) { c["tied"] = false; }), tied), HasSubstr("decoder.weight is missing"));
  EXPECT_THAT(refusal_after(config([](json& c) { c["tied"] = 1; }), tied),
              HasSubstr("config: tied is 1; it must be true or false"));
  EXPECT_THAT(
      refusal_after(config([](json& c) { c["embedding"] = 4; }), tied),
      HasSubstr("config: tied makes one weight of embedding and output layer: it needs embedding 3, as hidden"));
  EXPECT_THAT(refusal_after(config([](json& c) { c["tied"] = true; }), {.hidden = 3, .embedding = 3}),
              HasSubstr("\"decoder.weight\" is not part of this model"));
  EXPECT_THAT(refusal_after(config([](json& c) { c.erase("tied"); }), tied), HasSubstr("decoder.weight is missing"))
      << "files from before there was such a field are not tied";
}

TEST_F(ModelFile, WithOneBiasTheOtherIsZeroInTheFile) {
  save({.cell = CellType::lstm, .hidden = 2, .biases = Biases::one});
  const SafetensorsFile file = SafetensorsFile::read(path_);
  ASSERT_NE(file.find("rnn.bias_hh_l0"), nullptr);
  EXPECT_THAT(file.find("rnn.bias_hh_l0")->values, ::testing::Each(0.0f));
  EXPECT_THAT(refusal_after([](Parts& parts) { parts.values["rnn.bias_hh_l0"][1] = 0.5f; },
                            {.hidden = 3, .biases = Biases::one}),
              AllOf(HasSubstr("rnn.bias_hh_l0 is not zero"), HasSubstr("\"biases\": \"one\"")));
}

TEST_F(ModelFile, NamesWhatIsWrongInTheMetadata) {
  const auto without = [&](const char* key) { return refusal_after([&](Parts& parts) { parts.metadata.erase(key); }); };
  EXPECT_THAT(without("format"), HasSubstr("\"format\" is missing"));
  EXPECT_THAT(without("format_version"), HasSubstr("\"format_version\" is missing"));
  EXPECT_THAT(without("config"), HasSubstr("\"config\" is missing"));
  EXPECT_THAT(without("vocabulary"), HasSubstr("\"vocabulary\" is missing"));
  const auto with = [&](const char* key, const std::string& value) {
    return refusal_after([&](Parts& parts) { parts.metadata[key] = value; });
  };
  EXPECT_THAT(with("format", "pt"), AllOf(HasSubstr("\"pt\""), HasSubstr("unroll.language_model")));
  EXPECT_THAT(with("format", "a\nb\033[2J"), HasSubstr("its format is"));
  EXPECT_THAT(with("format_version", "3"), AllOf(HasSubstr("\"3\""), HasSubstr("newer unroll")));
  EXPECT_THAT(with("config", "{"), HasSubstr("config is not valid JSON"));
  EXPECT_THAT(with("config", "[1]"), HasSubstr("config is not a JSON object"));
  EXPECT_THAT(with("config", std::string(70000, ' ')), HasSubstr("config has 70000 bytes"));
  EXPECT_THAT(with("config", std::string(60000, '[')), HasSubstr("config is nested too deeply"));
  EXPECT_THAT(with("vocabulary", "nonsense"), HasSubstr("vocabulary is not valid JSON"));
  EXPECT_THAT(with("vocabulary", R"({"symbols":[["a"]]})"), HasSubstr("vocabulary is nested too deeply"));
  EXPECT_THAT(with("vocabulary", std::string(100000, ' ')), HasSubstr("vocabulary has 100000 bytes"));
}

TEST_F(ModelFile, NamesTheConfigFieldThatIsWrong) {
  EXPECT_THAT(refusal_after([](Parts& parts) { parts.set("config", [](json& config) { config.erase("layers"); }); }),
              HasSubstr("config: layers is missing"));
  EXPECT_THAT(refusal_of_config("cell", "transformer"),
              HasSubstr(R"(config: cell is "transformer"; it must be rnn, gru or lstm)"));
  EXPECT_THAT(refusal_of_config("activation", 3),
              HasSubstr("config: activation is 3; it must be tanh, relu or sigmoid"));
  EXPECT_THAT(refusal_of_config("biases", "three"), HasSubstr("config: biases is \"three\""));
  EXPECT_THAT(refusal_of_config("newlines", json::array()), HasSubstr("config: newlines is of 0 values"));
  EXPECT_THAT(refusal_of_config("hidden", 0),
              HasSubstr("config: hidden is 0; it must be a whole number from 1 to 65536"));
  EXPECT_THAT(refusal_of_config("hidden", 2147483648),
              HasSubstr("config: hidden is 2147483648; it must be a whole number from 1 to 65536"));
  EXPECT_THAT(refusal_of_config("hidden", 18446744073709551615u), HasSubstr("config: hidden is 18446744073709551615"));
  EXPECT_THAT(refusal_of_config("hidden", 3.5), HasSubstr("config: hidden is 3.5; it must be a whole number"));
  EXPECT_THAT(refusal_of_config("layers", -1), HasSubstr("config: layers is -1"));
  EXPECT_THAT(refusal_of_config("embedding", "2"), HasSubstr("config: embedding is \"2\""));
  EXPECT_THAT(refusal_of_config("dropout", 1.0), HasSubstr("config: dropout is 1"));
  EXPECT_THAT(refusal_of_config("dropout", 1e300), HasSubstr("config: dropout is 1e+300"));
  EXPECT_THAT(refusal_of_config("dropout", nullptr), HasSubstr("config: dropout is null; it must be a number"));
  EXPECT_THAT(refusal_of_config("bidirectional", 1), HasSubstr("config: bidirectional is 1; it must be false"));
  EXPECT_THAT(refusal_of_config("bidirectional", true),
              HasSubstr("config: bidirectional is true; it must be false: it would read the symbols that it predicts"));
  EXPECT_THAT(refusal_of_config("vocabulary_size", 0),
              HasSubstr("config: vocabulary_size is 0; it must be 1 to 1114112"));
  EXPECT_THAT(refusal_of_config("vocabulary_size", 1114113), HasSubstr("config: vocabulary_size is 1114113"));
  EXPECT_THAT(refusal_of_config("cell", std::string(5000, 'x')), ::testing::SizeIs(::testing::Lt(500u)));
}

TEST_F(ModelFile, PassesOverFieldsThatItDoesNotKnow) {
  EXPECT_THAT(refusal_after([](Parts& parts) {
                parts.metadata.emplace("later", "x");
                parts.set("config", [](json& config) { config["later"] = 1; });
                parts.set("vocabulary", [](json& vocabulary) { vocabulary["later"] = 1; });
                parts.values["decoder.bias"][0] =
                    std::numeric_limits<float>::infinity();  // so that something is refused
              }),
              HasSubstr("decoder.bias holds inf"));
}

TEST_F(ModelFile, NamesTheTensorThatDoesNotFit) {
  EXPECT_THAT(refusal_of_config("hidden", 65536),
              HasSubstr("tensor rnn.weight_ih_l0 is [3, 4]; its config asks for [65536, 4]"));
  EXPECT_THAT(refusal_of_config("layers", 256), HasSubstr("rnn.weight_ih_l1 is missing"));
  EXPECT_THAT(refusal_of_config("cell", "lstm"), HasSubstr("rnn.weight_ih_l0 is [3, 4]; its config asks for [12, 4]"));
  EXPECT_THAT(refusal_of_config("embedding", 8), HasSubstr("encoder.weight is missing"));
  EXPECT_THAT(refusal_of_config("vocabulary_size", 5),
              HasSubstr("rnn.weight_ih_l0 is [3, 4]; its config asks for [3, 5]"));
  EXPECT_THAT(refusal_after([](Parts& parts) { parts.values.erase("decoder.bias"); }),
              HasSubstr("decoder.bias is missing"));
  EXPECT_THAT(refusal_after([](Parts& parts) {
                parts.values["alien\n"] = {1};
                parts.shapes["alien\n"] = {1};
              }),
              HasSubstr("not part of this model"));
  EXPECT_THAT(refusal_after([](Parts& parts) { parts.bytes.push_back({.name = "extra", .shape = {0}, .values = {}}); }),
              HasSubstr("\"extra\" holds integers; a model has float32 only"));
  EXPECT_THAT(refusal_after([](Parts& parts) {
                parts.shapes["decoder.weight"] = {3, 4};
              }),
              HasSubstr("decoder.weight is [3, 4]; its config asks for [4, 3]"));
  EXPECT_THAT(refusal_after([](Parts& parts) { parts.values["rnn.weight_hh_l0"][7] = std::nanf(""); }),
              HasSubstr("rnn.weight_hh_l0 holds nan at element 7"));
}

TEST_F(ModelFile, NamesWhatIsWrongInTheVocabulary) {
  const auto with = [&](const char* field, const json& value) {
    return refusal_after([&](Parts& parts) { parts.set("vocabulary", [&](json& v) { v[field] = value; }); });
  };
  EXPECT_THAT(with("symbols", {"a", "b", "c"}), HasSubstr("symbols is of 3 values; it must be a list of 4 values"));
  EXPECT_THAT(with("symbols", "abcd"), HasSubstr("symbols is \"abcd\"; it must be a list"));
  EXPECT_THAT(with("symbols", {"a", "b", "", "d"}), HasSubstr("symbol 2 is not one character"));
  EXPECT_THAT(with("symbols", {"a", "bb", "c", "d"}), HasSubstr("symbol 1 is not one character"));
  EXPECT_THAT(with("symbols", {"a", "b", "c", 4}), HasSubstr("symbol 3 is not one character"));
  EXPECT_THAT(with("symbols", {"a", "b", "c", "a"}), HasSubstr("symbol 3"));
  EXPECT_THAT(with("counts", {1, 2, 3}), HasSubstr("counts is of 3 values"));
  EXPECT_THAT(with("counts", {1, 2, 3, 4.5}), HasSubstr("the count of symbol 3 is not a 64-bit integer"));
  EXPECT_THAT(with("counts", {1, 2, -3, 4}), HasSubstr("symbol 2"));
  EXPECT_THAT(with("counts", {1, 18446744073709551615u, 3, 4}), HasSubstr("the count of symbol 1"));
  EXPECT_THAT(with("counts", {1, 9223372036854775807, 3, 4}), HasSubstr("symbol"));
  EXPECT_THAT(refusal_after([](Parts& parts) { parts.set("vocabulary", [](json& v) { v.erase("counts"); }); }),
              HasSubstr("vocabulary: counts is missing"));
}

TEST_F(ModelFile, RefusesFilesThatAreNoModels) {
  EXPECT_THAT(refusal(ExitCode::no_input), HasSubstr(path_));
  write("");
  refusal();
  write("想要有直升机, plainly a text and not a model at all");
  refusal();
  const std::vector<float> values = {1, 2};
  write(safetensors_bytes({}, std::vector<StoredTensor>{{.name = "weight", .shape = {2}, .values = values}}));
  EXPECT_THAT(refusal(), HasSubstr("not a model file of unroll"));
}

TEST_F(ModelFile, RefusesATruncatedFileWhereverItEnds) {
  save({.hidden = 20}, 30);
  const std::string whole = bytes_of(path_);
  const std::size_t header_end = header_end_of(whole);
  for (std::size_t length = 0; length <= header_end; ++length) {
    write(whole.substr(0, length));
    refusal();
  }
  std::mt19937 random(1);
  for (int i = 0; i < 1000; ++i) {
    write(whole.substr(0, random() % whole.size()));
    refusal();
  }
  write(whole + "x");
  refusal();
}

TEST_F(ModelFile, RefusesEveryFlippedBitOfTheHeader) {
  save({.hidden = 2});
  const std::string whole = bytes_of(path_);
  for (std::size_t bit = 0; bit < 8 * header_end_of(whole); ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << bit % 8);
    write(damaged);
    refusal();
  }
}

TEST_F(ModelFile, RefusesFlippedBitsAnywhere) {
  save({.hidden = 20}, 30);
  const std::string whole = bytes_of(path_);
  std::mt19937 random(2);
  for (int i = 0; i < 1000; ++i) {
    std::string damaged = whole;
    for (auto flips = 1 + random() % 3; flips > 0; --flips) {
      char& byte = damaged[random() % whole.size()];
      byte = static_cast<char>(byte ^ 1 << random() % 8);
    }
    if (damaged == whole) continue;
    write(damaged);
    refusal();
  }
}

// Without a checksum, damage in transit would go unnoticed.
TEST_F(ModelFile, RefusesAModelWithoutAChecksum) {
  save({.hidden = 2});
  std::string bytes = bytes_of(path_);
  const std::size_t key = bytes.find("xxh3");
  ASSERT_EQ(key, 26u);
  bytes.replace(key, 4, "none");
  write(bytes);
  EXPECT_THAT(refusal(), AllOf(HasSubstr("the checksum \"xxh3\""), HasSubstr("save it again")));
}

TEST_F(ModelFile, AllocatesNothingForAFalseHeader) {
  save({.hidden = 3});
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  refusal_of_config("hidden", 65536);
  refusal_after([](Parts& parts) {
    parts.set("config",
              [](json& config) { config["hidden"] = 65536, config["layers"] = 256, config["cell"] = "lstm"; });
  });
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 16 * 1024) << "KiB";
}

TEST_F(ModelFile, DoesNotSaveAModelThatHasDiverged) {
  LanguageModel model(context_, letters(4), {.hidden = 3});
  model.save(path_);
  const std::string good = bytes_of(path_);
  test::set_element(model, "rnn.weight_hh_l0", 2, std::nanf(""));
  try {
    model.save(path_);
    ADD_FAILURE() << "saved";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::diverged);
    EXPECT_THAT(error.what(), AllOf(HasSubstr(path_), HasSubstr("rnn.weight_hh_l0 holds nan")));
  }
  EXPECT_EQ(bytes_of(path_), good) << "the old file stays";
}

}  // namespace
}  // namespace unroll
