#include "language/model_options.h"

#include <fmt/format.h>

#include <string_view>

#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {

namespace {

Option init_option(InitScheme& field) {
  return {.name = "init",
          .value_name = "uniform|normal:SD",
          .initial = "uniform",
          .help = "initial weights: uniform in 1/sqrt(fan), or normal with standard deviation SD",
          .assign =
              [&field](const std::string& value) {
                constexpr std::string_view normal = "normal:";
                if (value == "uniform") {
                  field.standard_deviation = 0;
                } else if (value.starts_with(normal)) {
                  try {
                    field.standard_deviation =
                        options::parse_number<float>(value.substr(normal.size()), {.low = 0, .low_included = false});
                  } catch (const IllegalValue& illegal) {
                    throw IllegalValue{"uniform, or normal:SD with SD " + illegal.legal};
                  }
                } else {
                  throw IllegalValue{"uniform or normal:SD, such as normal:0.01"};
                }
              },
          .values =
              [&field] {
                const float deviation = field.standard_deviation;
                return std::vector{deviation == 0 ? std::string("uniform") : fmt::format("normal:{}", deviation)};
              }};
}

}  // namespace

std::vector<Option> describe(LanguageModelOptions& o) {
  using options::choice;
  using options::number;
  using options::toggle;
  using options::whole_number;
  constexpr int max_units = 65536, max_layers = 256;
  return {choice("cell", o.cell, "kind of recurrent cell"),
          choice("activation", o.activation, "of the rnn cell"),
          whole_number("hidden", o.hidden, 1, max_units, "hidden units per layer"),
          whole_number("layers", o.layers, 1, max_layers, "recurrent layers, one upon the other"),
          whole_number("embedding", o.embedding, 0, max_units, "width of the symbol embedding; 0: one-hot input"),
          toggle("tied", o.tied,
                 fmt::format("one weight for embedding and output layer: needs {} as wide as {}",
                             option_name("embedding"), option_name("hidden"))),
          number("dropout", o.dropout, {.low = 0, .high = 1, .high_included = false},
                 "share of units dropped between layers"),
          toggle("bidirectional", o.bidirectional, "also reads backwards in time: cannot generate"),
          choice("biases", o.biases, "biases per gate"),
          choice("newlines", o.newlines, "space: line ends become spaces"),
          init_option(o.init)};
}

std::string unit_suffix(TokenUnit unit) { return unit == TokenUnit::character ? "" : ", unit " + name_of(unit); }

std::string description(const LanguageModelOptions& o) {
  std::string text =
      fmt::format("{}, {}, {}", name_of(o.cell), counted(o.hidden, "hidden unit"), counted(o.layers, "layer"));
  if (o.cell == Cell::rnn) text += ", " + name_of(o.activation);
  if (o.bidirectional) text += ", bidirectional";
  text += o.embedding > 0 ? fmt::format(", {}embedding {}", o.tied ? "tied " : "", o.embedding)
                          : std::string(", one-hot input");
  if (o.dropout > 0) text += fmt::format(", dropout {}", o.dropout);
  return text + fmt::format(", {} per gate, newlines {}", o.biases == Biases::one ? "one bias" : "two biases",
                            name_of(o.newlines));
}

void check_options(LanguageModelOptions options) {
  check_values(describe(options));
  const int decoded = options.hidden * (options.bidirectional ? 2 : 1);
  if (!options.tied || options.embedding == decoded) return;
  throw OptionError(fmt::format("{} makes one weight of embedding and output layer: it needs {} {}, {}{}",
                                option_name("tied"), option_name("embedding"), decoded,
                                options.bidirectional ? "twice " : "as ", option_name("hidden")));
}

std::int64_t ModelTensor::size() const {
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) elements *= extent;
  return elements;
}

std::vector<ModelTensor> model_tensors(const LanguageModelOptions& options, std::int64_t symbols) {
  const std::int64_t directions = options.bidirectional ? 2 : 1;
  const std::int64_t hidden = options.hidden, rows = gate_count(options.cell) * hidden;
  std::vector<ModelTensor> tensors;
  if (options.embedding > 0) tensors.push_back({.name = "encoder.weight", .shape = {symbols, options.embedding}});
  for (int layer = 0; layer < options.layers; ++layer) {
    const std::int64_t first_input = options.embedding > 0 ? options.embedding : symbols;
    const std::int64_t input = layer == 0 ? first_input : directions * hidden;
    for (int direction = 0; direction < directions; ++direction) {
      const std::string suffix = fmt::format("_l{}{}", layer, direction == 1 ? "_reverse" : "");
      tensors.push_back({.name = "rnn.weight_ih" + suffix, .shape = {rows, input}, .transposed = true});
      tensors.push_back({.name = "rnn.weight_hh" + suffix, .shape = {rows, hidden}, .transposed = true});
      tensors.push_back({.name = "rnn.bias_ih" + suffix, .shape = {rows}});
      tensors.push_back(
          {.name = "rnn.bias_hh" + suffix, .shape = {rows}, .is_parameter = options.biases == Biases::two});
    }
  }
  if (!options.tied) {
    tensors.push_back({.name = "decoder.weight", .shape = {symbols, directions * hidden}, .transposed = true});
  }
  tensors.push_back({.name = "decoder.bias", .shape = {symbols}});
  return tensors;
}

std::vector<ModelTensor> LanguageModel::tensors() const { return model_tensors(options_, vocabulary_.size()); }

}  // namespace unroll
