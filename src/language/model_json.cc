#include "language/model_json.h"

#include <fmt/format.h>

#include <array>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "language/model_options.h"

namespace unroll {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

template <class Enum>
struct Choice {
  Enum value;
  std::string_view name;
};
constexpr std::array<Choice<Cell>, 3> cells{{{Cell::rnn, "rnn"}, {Cell::gru, "gru"}, {Cell::lstm, "lstm"}}};
constexpr std::array<Choice<Activation>, 3> activations{
    {{Activation::tanh, "tanh"}, {Activation::relu, "relu"}, {Activation::sigmoid, "sigmoid"}}};
constexpr std::array<Choice<Biases>, 2> bias_counts{{{Biases::two, "two"}, {Biases::one, "one"}}};
constexpr std::array<Choice<Newlines>, 2> newline_uses{{{Newlines::keep, "keep"}, {Newlines::space, "space"}}};

constexpr std::int64_t max_symbols = 0x110000;  // number of Unicode code points
constexpr std::size_t max_config = 65536;       // bytes; one written by unroll has about 250
constexpr std::size_t max_symbol_text = 64;     // maximum bytes of JSON for one symbol and its count

template <class Choices, class Enum>
std::string name_of(const Choices& choices, Enum value) {
  for (const auto& choice : choices) {
    if (choice.value == value) return std::string(choice.name);
  }
  throw Error(fmt::format("option value {} has no name", static_cast<int>(value)));
}

/// The double that prints like the float: 0.1f becomes 0.1, not 0.10000000149011612.
double shortest_double(float value) { return std::stod(fmt::format("{}", value)); }

/// True for an integer that fits into std::int64_t; larger ones would wrap around silently.
bool is_signed_integer(const json& value) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return value.is_number_unsigned() ? value.get<std::uint64_t>() <= largest : value.is_number_integer();
}

/// Parses a JSON object of at most `longest` bytes, nested no deeper than `depth`, so that a hostile text costs no more
/// than its length. Strings are valid UTF-8. Throws Error(bad_data); `what` is the name of the text in messages.
json parse(const std::string& text, std::size_t longest, int depth, const std::string& what) {
  if (text.size() > longest) {
    throw Error(ExitCode::bad_data,
                fmt::format("{} has {} bytes; at most {} are expected", what, text.size(), longest));
  }
  const auto check_depth = [&](int level, json::parse_event_t event, json&) {
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && level >= depth) throw Error(ExitCode::bad_data, fmt::format("{} is nested too deeply", what));
    return true;
  };
  json value;
  try {
    value = json::parse(text, check_depth);
  } catch (const json::exception&) {
    throw Error(ExitCode::bad_data, fmt::format("{} is not valid JSON; is the file damaged?", what));
  }
  if (!value.is_object()) throw Error(ExitCode::bad_data, fmt::format("{} is not a JSON object", what));
  return value;
}

/// Typed access to the fields of a JSON object. Throws Error(bad_data) if a field is missing or has another type.
class Fields {
 public:
  Fields(json object, std::string what) : object_(std::move(object)), what_(std::move(what)) {}

  int integer(const char* name) const {
    const json& value = field(name);
    if (!is_signed_integer(value)) refuse(name, "an integer");
    const auto wide = value.get<std::int64_t>();
    if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) refuse(name, "an integer");
    return static_cast<int>(wide);
  }
  float number(const char* name) const {
    const json& value = field(name);
    if (!value.is_number()) refuse(name, "a number");
    return value.get<float>();
  }
  bool boolean(const char* name) const {
    const json& value = field(name);
    if (!value.is_boolean()) refuse(name, "true or false");
    return value.get<bool>();
  }
  bool boolean_or(const char* name, bool default_value) const {
    return object_.contains(name) ? boolean(name) : default_value;
  }
  template <class Enum, std::size_t count>
  Enum choice(const char* name, const std::array<Choice<Enum>, count>& choices) const {
    const json& value = field(name);
    std::string names;
    for (const Choice<Enum>& choice : choices) {
      if (value.is_string() && value.get_ref<const std::string&>() == choice.name) return choice.value;
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", choice.name);
    }
    refuse(name, "one of " + names);
  }
  const json& list(const char* name, std::int64_t size) const {
    const json& value = field(name);
    if (!value.is_array() || static_cast<std::int64_t>(value.size()) != size) {
      refuse(name, fmt::format("a list of {} values, as vocabulary_size says", size));
    }
    return value;
  }
  [[noreturn]] void refuse(const char* name, const std::string& expected) const {
    const json& value = field(name);
    const std::string shown = value.is_structured() ? fmt::format("of {} values", value.size())
                                                    : value.dump(-1, ' ', true, json::error_handler_t::replace);
    throw Error(ExitCode::bad_data,
                fmt::format("{}: {} is {}; expected {}", what_, name, shown.substr(0, 40), expected));
  }

 private:
  const json& field(const char* name) const {
    const auto found = object_.find(name);
    if (found == object_.end()) throw Error(ExitCode::bad_data, fmt::format("{}: {} is missing", what_, name));
    return *found;
  }

  json object_;
  std::string what_;
};

/// The only code point of a valid UTF-8 string; -1 if it has none or more than one.
std::int64_t only_code_point(std::string_view utf8) {
  if (utf8.empty()) return -1;
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(utf8[i])); };
  const std::size_t length = byte(0) < 0x80 ? 1 : byte(0) < 0xE0 ? 2 : byte(0) < 0xF0 ? 3 : 4;
  if (utf8.size() != length) return -1;
  std::uint32_t point = length == 1 ? byte(0) : byte(0) & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) point = point << 6 | (byte(i) & 0x3F);
  return point;
}

}  // namespace

std::string config_json(const ModelConfig& config) {
  const LanguageModelOptions& o = config.options;
  return ordered_json{{"cell", name_of(cells, o.cell)},
                      {"activation", name_of(activations, o.activation)},
                      {"hidden", o.hidden},
                      {"layers", o.layers},
                      {"embedding", o.embedding},
                      {"tied", o.tied},
                      {"dropout", shortest_double(o.dropout)},
                      {"bidirectional", o.bidirectional},
                      {"biases", name_of(bias_counts, o.biases)},
                      {"newlines", name_of(newline_uses, o.newlines)},
                      {"vocabulary_size", config.vocabulary_size}}
      .dump();
}

ModelConfig config_from_json(const std::string& text, const std::string& file) {
  const std::string what = file + ": config";
  const Fields fields(parse(text, max_config, 2, what), what);
  ModelConfig config;
  LanguageModelOptions& o = config.options;
  o.cell = fields.choice("cell", cells);
  o.activation = fields.choice("activation", activations);
  o.hidden = fields.integer("hidden");
  o.layers = fields.integer("layers");
  o.embedding = fields.integer("embedding");
  o.tied = fields.boolean_or("tied", false);
  o.dropout = fields.number("dropout");
  o.bidirectional = fields.boolean("bidirectional");
  o.biases = fields.choice("biases", bias_counts);
  o.newlines = fields.choice("newlines", newline_uses);
  config.vocabulary_size = fields.integer("vocabulary_size");
  check_options(o, ExitCode::bad_data, what + ": ");
  if (config.vocabulary_size < 1 || config.vocabulary_size > max_symbols) {
    fields.refuse("vocabulary_size", fmt::format("1 to {}", max_symbols));
  }
  return config;
}

std::string vocabulary_json(const Vocabulary& vocabulary) {
  ordered_json symbols = ordered_json::array(), counts = ordered_json::array();
  for (int id = 0; id < vocabulary.size(); ++id) {
    symbols.push_back(vocabulary.text(id));
    counts.push_back(vocabulary.count(id));
  }
  return ordered_json{{"symbols", std::move(symbols)}, {"counts", std::move(counts)}}.dump();
}

Vocabulary vocabulary_from_json(const std::string& text, std::int64_t size, const std::string& file) {
  const std::string what = file + ": vocabulary";
  const std::size_t longest = max_symbol_text * static_cast<std::size_t>(size) + max_config;
  const Fields fields(parse(text, longest, 2, what), what);
  std::vector<char32_t> symbols;
  std::vector<std::int64_t> counts;
  for (const json& symbol : fields.list("symbols", size)) {
    const std::int64_t point = symbol.is_string() ? only_code_point(symbol.get_ref<const std::string&>()) : -1;
    if (point < 0) {
      throw Error(ExitCode::bad_data, fmt::format("{}: symbol {} is not one character", what, symbols.size()));
    }
    symbols.push_back(static_cast<char32_t>(point));
  }
  for (const json& count : fields.list("counts", size)) {
    if (!is_signed_integer(count)) {
      throw Error(ExitCode::bad_data,
                  fmt::format("{}: the count of symbol {} is not a 64-bit integer", what, counts.size()));
    }
    counts.push_back(count.get<std::int64_t>());
  }
  try {
    return Vocabulary::from(std::move(symbols), std::move(counts));
  } catch (const Error& error) {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}", file, error.what()));
  }
}

}  // namespace unroll
