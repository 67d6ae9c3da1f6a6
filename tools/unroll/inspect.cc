#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "commands.h"
#include "format.h"
#include "output.h"
#include "unroll/corpus.h"
#include "unroll/error.h"
#include "unroll/language_model.h"
#include "unroll/run_history.h"

namespace unroll::cli {

namespace {

struct InspectOptions {
  std::string thing;                      ///< run directory, model file or text
  TokenUnit unit = TokenUnit::character;  ///< of the symbols of a text
  std::int64_t limit = 0;                 ///< symbols of a text to read; 0: all
  Newlines newlines = Newlines::keep;     ///< of a text
  std::string encoding;                   ///< of a text
  int first = 40;                         ///< symbols of a text to show beside their indices
  bool json = false;                      ///< print the result as JSON
};

constexpr const char* inspect_details =
    R"(THING is a run directory or a .safetensors file: what the model is, its parameters in the shapes of the file, its
vocabulary. Or a text: its vocabulary with indices and counts, and how it begins.

Examples:
  unroll inspect runs/novel-gru
  unroll inspect lyrics.txt.zip --newlines space --limit 10000 | head -20)";

std::vector<OptionGroup> options_of(InspectOptions& o) {
  return {{"What to show",
           {argument("THING", o.thing, "run directory, model file (.safetensors) or text"),
            choice("unit", o.unit, "what a symbol of a text is"),
            whole_number("limit", o.limit, 0, 1'000'000'000'000, "read this many symbols of a text only; 0: all"),
            choice("newlines", o.newlines, "space: line ends of a text become spaces"), encoding(o.encoding),
            whole_number("first", o.first, 0, 1'000'000, "symbols of a text to show beside their indices"),
            toggle("json", o.json, "print the result as one JSON object")}}};
}

std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

/// Visible form of a symbol; each byte that is no visible ASCII is an escape of the same width.
std::string visible_symbol(const Tokenizer& vocabulary, int id) {
  const std::string_view token = vocabulary.text(id);
  std::string result = visible(token);
  const bool is_code = vocabulary.unit() == TokenUnit::byte && result.starts_with("U+");
  return is_code ? fmt::format("\\x{:02X}", static_cast<unsigned char>(token.front())) : result;
}

/// Title of the column with the codes of symbols; words have none.
std::string code_title(TokenUnit unit) {
  return unit == TokenUnit::character ? "code point  " : unit == TokenUnit::byte ? "byte  " : "";
}

std::string code_cell(TokenUnit unit, std::string_view token) {
  if (unit == TokenUnit::word) return "";
  if (unit == TokenUnit::character) return align_left(code_point(token), 10) + "  ";
  return fmt::format("0x{:02X}  ", static_cast<unsigned char>(token.front()));
}

/// Columns for a symbol in the table.
int symbol_width(const Tokenizer& vocabulary) {
  constexpr int min_width = 6, max_width = 24;
  int width = min_width;
  if (vocabulary.unit() != TokenUnit::word) return width;
  for (int id = 0; id < vocabulary.size(); ++id) width = std::max(width, display_width(visible_symbol(vocabulary, id)));
  return std::min(width, max_width);
}

/// index, symbol, code (not of words), count and share of every symbol.
std::string vocabulary_table(const Tokenizer& vocabulary) {
  const int width = symbol_width(vocabulary);
  std::string table =
      fmt::format("index  {}  {}    count   share\n", align_left("symbol", width), code_title(vocabulary.unit()));
  const double total = static_cast<double>(std::max<std::int64_t>(vocabulary.total(), 1));
  for (int id = 0; id < vocabulary.size(); ++id) {
    const std::string_view token = vocabulary.text(id);
    table += fmt::format("{:5}  {}  {}{:>9}  {:4.1f} %\n", id, align_left(visible_symbol(vocabulary, id), width),
                         code_cell(vocabulary.unit(), token), with_commas(vocabulary.count(id)),
                         100 * static_cast<double>(vocabulary.count(id)) / total);
  }
  return table;
}

/// A byte is a number, since it need not be UTF-8.
nlohmann::ordered_json vocabulary_list(const Tokenizer& vocabulary) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (int id = 0; id < vocabulary.size(); ++id) {
    const std::string_view token = vocabulary.text(id);
    nlohmann::ordered_json entry;
    vocabulary.unit() == TokenUnit::byte ? entry["symbol"] = static_cast<unsigned char>(token.front())
                                         : entry["symbol"] = token;
    entry["count"] = vocabulary.count(id);
    list.push_back(std::move(entry));
  }
  return list;
}

/// The first symbols in rows, each above its index.
std::string first_symbols(const Corpus& corpus, std::int64_t count) {
  constexpr int min_width = 5, max_line = 70;
  const bool words = corpus.vocabulary().unit() == TokenUnit::word;
  std::string text, symbols, indices;
  int line = 0;
  for (const std::int32_t id : corpus.ids().first(static_cast<std::size_t>(count))) {
    const std::string symbol = visible_symbol(corpus.vocabulary(), id), index = fmt::format("{}", id);
    const int width =
        words ? std::max({min_width, display_width(symbol) + 1, static_cast<int>(index.size()) + 1}) : min_width;
    if (line > 0 && line + width > max_line) {
      text.append(symbols).append("\n").append(indices).append("\n");
      symbols.clear(), indices.clear(), line = 0;
    }
    symbols += align_right(symbol, width);
    indices += align_right(index, width);
    line += width;
  }
  if (line > 0) text.append(symbols).append("\n").append(indices).append("\n");
  return text;
}

/// Number of symbols that occur; a vocabulary of bytes has others too.
int distinct(const Tokenizer& vocabulary) {
  int count = 0;
  for (int id = 0; id < vocabulary.size(); ++id) count += vocabulary.count(id) > 0 ? 1 : 0;
  return count;
}

void inspect_text(const InspectOptions& o) {
  const Corpus corpus =
      Corpus::read(o.thing, {.unit = o.unit, .newlines = o.newlines, .limit = o.limit, .encoding = o.encoding});
  for (const std::string& note : corpus.notes()) log_message(fmt::format("{}: {}", o.thing, note));
  const Tokenizer& vocabulary = corpus.vocabulary();
  const std::int64_t first = std::min<std::int64_t>(o.first, corpus.size());
  if (o.json) {
    nlohmann::ordered_json result;
    result["unit"] = name_of(vocabulary.unit());
    result["symbols"] = corpus.size();
    result["distinct"] = distinct(vocabulary);
    result["first_symbols"] = corpus.text(0, first);
    result["first_indices"] = corpus.ids().first(static_cast<std::size_t>(first));
    result["vocabulary"] = vocabulary_list(vocabulary);
    write_result(to_text(result));
    return;
  }
  std::string text =
      fmt::format("{}: {}, {} distinct{}\n", o.thing == "-" ? "standard input" : o.thing,
                  counted(corpus.size(), "symbol"), with_commas(distinct(vocabulary)), unit_suffix(o.unit));
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
  result["cell"] = o.cell.name();
  if (o.cell == CellType::rnn) result["activation"] = name_of(o.activation);
  result["hidden"] = o.hidden;
  result["layers"] = o.layers;
  result["embedding"] = o.embedding;
  result["tied"] = o.tied;
  result["dropout"] = o.dropout;
  result["biases"] = name_of(o.biases);
  result["unit"] = name_of(model.vocabulary().unit());
  result["newlines"] = name_of(o.newlines);
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
  const std::vector<ModelTensor> tensors = model.tensors();
  if (o.json) {
    write_result(to_text(model_json(path, model, tensors)));
    return;
  }
  write_result(fmt::format("{}: {}{}\n\n{}\n{} in all\n\nvocabulary of {}, counts in {} of text\n{}", path,
                           description(model.options()), unit_suffix(model.vocabulary().unit()),
                           parameter_table(tensors), counted(model.parameters().size(), "parameter"),
                           counted(model.vocabulary().size(), "symbol"), counted(model.vocabulary().total(), "symbol"),
                           vocabulary_table(model.vocabulary())));
}

void inspect(const InspectOptions& o, const OptionValues& given) {
  std::error_code ignored;
  const bool is_model = std::filesystem::is_directory(o.thing, ignored) || o.thing.ends_with(".safetensors");
  if (!is_model) return inspect_text(o);
  for (const char* name : {"unit", "limit", "newlines", "encoding", "first"}) {
    if (given.contains(name))
      throw Error(fmt::format("--{} is for a text, and {} is a model: leave it out", name, o.thing));
  }
  inspect_model(o);
}

}  // namespace

Command inspect_command() {
  auto options = std::make_shared<InspectOptions>();
  return {"inspect", "Show what a model or a text consists of.", inspect_details, options_of(*options),
          [options](const OptionValues& given) { inspect(*options, given); }};
}

}  // namespace unroll::cli
