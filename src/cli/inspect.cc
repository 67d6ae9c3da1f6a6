#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/commands.h"
#include "cli/enum_names.h"
#include "cli/format.h"
#include "cli/output.h"
#include "cli/run_paths.h"
#include "language/model_options.h"
#include "unroll/error.h"

namespace unroll::cli {

namespace {

struct InspectOptions {
  std::string thing;                   ///< run directory, model file or text
  std::int64_t limit = 0;              ///< symbols of a text to read; 0: all
  Newlines newlines = Newlines::keep;  ///< of a text
  int first = 40;                      ///< symbols of a text to show beside their indices
  bool json = false;                   ///< print the result as JSON
};

constexpr const char* details =
    R"(THING is a run directory or a .safetensors file: what the model is, its parameters in the shapes of the file, its
vocabulary. Or a text: its vocabulary with indices and counts, and how it begins.

Examples:
  unroll inspect runs/novel-gru
  unroll inspect lyrics.txt.zip --newlines space --limit 10000 | head -20)";

std::vector<SettingGroup> settings_of(InspectOptions& o) {
  return {{"What to show",
           {argument("THING", o.thing, "run directory, model file (.safetensors) or text"),
            whole_number("limit", o.limit, 0, 1'000'000'000'000, "read this many symbols of a text only; 0: all"),
            choice("newlines", o.newlines, newlines_names, "space: line ends of a text become spaces"),
            whole_number("first", o.first, 0, 1'000'000, "symbols of a text to show beside their indices"),
            toggle("json", o.json, "print the result as one JSON object")}}};
}

std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

/// index, symbol, code point, count and share of every symbol.
std::string vocabulary_table(const Vocabulary& vocabulary) {
  std::string table = "index  symbol  code point      count   share\n";
  const double total = static_cast<double>(std::max<std::int64_t>(vocabulary.total(), 1));
  for (int id = 0; id < vocabulary.size(); ++id) {
    const char32_t symbol = vocabulary.symbol(id);
    table += fmt::format("{:5}  {}  {}  {:>9}  {:4.1f} %\n", id, align_left(visible(symbol), 6),
                         align_left(fmt::format("U+{:04X}", static_cast<std::uint32_t>(symbol)), 10),
                         with_commas(vocabulary.count(id)), 100 * static_cast<double>(vocabulary.count(id)) / total);
  }
  return table;
}

nlohmann::ordered_json vocabulary_list(const Vocabulary& vocabulary) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (int id = 0; id < vocabulary.size(); ++id) {
    list.push_back({{"symbol", vocabulary.text(id)}, {"count", vocabulary.count(id)}});
  }
  return list;
}

/// The first symbols in rows, each above its index.
std::string first_symbols(const Corpus& corpus, std::int64_t count) {
  constexpr std::int64_t per_row = 14;
  constexpr int width = 5;
  std::string text;
  for (std::int64_t begin = 0; begin < count; begin += per_row) {
    std::string symbols, indices;
    for (std::int64_t i = begin; i < std::min(begin + per_row, count); ++i) {
      const std::int32_t id = corpus.ids()[static_cast<std::size_t>(i)];
      symbols += align_right(visible(corpus.vocabulary().symbol(id)), width);
      indices += align_right(fmt::format("{}", id), width);
    }
    text.append(symbols).append("\n").append(indices).append("\n");
  }
  return text;
}

void inspect_text(const InspectOptions& o) {
  const Corpus corpus = Corpus::read(o.thing, {.newlines = o.newlines, .limit = o.limit});
  const Vocabulary& vocabulary = corpus.vocabulary();
  const std::int64_t first = std::min<std::int64_t>(o.first, corpus.size());
  if (o.json) {
    nlohmann::ordered_json result;
    result["symbols"] = corpus.size();
    result["distinct"] = vocabulary.size();
    result["first_symbols"] = corpus.text(0, first);
    result["first_indices"] = corpus.ids().first(static_cast<std::size_t>(first));
    result["vocabulary"] = vocabulary_list(vocabulary);
    write_result(to_text(result));
    return;
  }
  std::string text = fmt::format("{}: {}, {} distinct\n", o.thing == "-" ? "standard input" : o.thing,
                                 counted(corpus.size(), "symbol"), with_commas(vocabulary.size()));
  if (first > 0)
    text +=
        fmt::format("\nthe first {} over their indices\n{}", counted(first, "symbol"), first_symbols(corpus, first));
  write_result(text + "\n" + vocabulary_table(vocabulary));
}

nlohmann::ordered_json model_json(const std::string& path, const LanguageModel& model,
                                  const std::vector<ModelTensor>& tensors) {
  const LanguageModelOptions& o = model.options();
  nlohmann::ordered_json result;
  result["model"] = path;
  result["cell"] = name_of(cell_names, o.cell);
  if (o.cell == Cell::rnn) result["activation"] = name_of(activation_names, o.activation);
  result["hidden"] = o.hidden;
  result["layers"] = o.layers;
  result["embedding"] = o.embedding;
  result["tied"] = o.tied;
  result["dropout"] = o.dropout;
  result["bidirectional"] = o.bidirectional;
  result["biases"] = name_of(biases_names, o.biases);
  result["newlines"] = name_of(newlines_names, o.newlines);
  result["parameter_count"] = model.parameters().size();
  for (const ModelTensor& tensor : tensors) {
    result["parameters"].push_back({{"name", tensor.name}, {"shape", tensor.shape}});
  }
  result["vocabulary"] = vocabulary_list(model.vocabulary());
  return result;
}

std::string parameter_table(const std::vector<ModelTensor>& tensors) {
  std::string table;
  for (const ModelTensor& tensor : tensors) {
    table += fmt::format("{:<24} {:<16} {:>12}{}\n", tensor.name, shape_text(tensor.shape), with_commas(tensor.size()),
                         tensor.is_parameter ? "" : "  always zero: there for PyTorch");
  }
  return table;
}

void inspect_model(const InspectOptions& o) {
  const std::string path = model_file_of(o.thing);
  Context context({.threads = 1});
  const LanguageModel model = LanguageModel::load(context, path);
  const std::vector<ModelTensor> tensors = model_tensors(model.options(), model.vocabulary().size());
  if (o.json) {
    write_result(to_text(model_json(path, model, tensors)));
    return;
  }
  write_result(fmt::format("{}: {}\n\n{}\n{} in all\n\nvocabulary of {}, counts in {} of text\n{}", path,
                           description(model.options()), parameter_table(tensors),
                           counted(model.parameters().size(), "parameter"),
                           counted(model.vocabulary().size(), "symbol"), counted(model.vocabulary().total(), "symbol"),
                           vocabulary_table(model.vocabulary())));
}

void inspect(const InspectOptions& o) {
  std::error_code ignored;
  const bool is_model = std::filesystem::is_directory(o.thing, ignored) || o.thing.ends_with(".safetensors");
  is_model ? inspect_model(o) : inspect_text(o);
}

}  // namespace

Command inspect_command() {
  auto options = std::make_shared<InspectOptions>();
  return {"inspect", "Show what a model or a text consists of.", details, settings_of(*options),
          [options](const GivenSettings&) { inspect(*options); }};
}

}  // namespace unroll::cli
