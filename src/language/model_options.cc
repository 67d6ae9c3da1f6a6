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

/// A cell that is not built in is set in C++; its name is accepted, but no other one.
Option cell_option(CellKind& field) {
  CellType built_in = CellType::rnn;
  Option option = options::choice("cell", built_in, "kind of recurrent cell");
  option.initial = field.name();
  option.assign = [&field](const std::string& value) {
    if (value == field.name()) return;
    CellType type = CellType::rnn;
    options::choice("cell", type, "").assign(value);
    field = type;
  };
  option.values = [&field] { return std::vector{field.name()}; };
  return option;
}

}  // namespace

std::vector<Option> describe(LanguageModelOptions& o) {
  using options::choice;
  using options::number;
  using options::toggle;
  using options::whole_number;
  constexpr int max_units = 65536, max_layers = 256;
  return {cell_option(o.cell),
          choice("activation", o.activation, "of the rnn cell"),
          whole_number("hidden", o.hidden, 1, max_units, "hidden units per layer"),
          whole_number("layers", o.layers, 1, max_layers, "recurrent layers, one upon the other"),
          whole_number("embedding", o.embedding, 0, max_units, "width of the symbol embedding; 0: one-hot input"),
          toggle("tied", o.tied,
                 fmt::format("one weight for embedding and output layer: needs {} as wide as {}",
                             option_name("embedding"), option_name("hidden"))),
          number("dropout", o.dropout, {.low = 0, .high = 1, .high_included = false},
                 "share of units dropped between layers"),
          choice("biases", o.biases, "biases per gate"),
          choice("newlines", o.newlines, "space: line ends become spaces"),
          init_option(o.init)};
}

std::string unit_suffix(TokenUnit unit) { return unit == TokenUnit::character ? "" : ", unit " + name_of(unit); }

std::string description(const LanguageModelOptions& o) {
  std::string text =
      fmt::format("{}, {}, {}", o.cell.name(), counted(o.hidden, "hidden unit"), counted(o.layers, "layer"));
  if (o.cell == CellType::rnn) text += ", " + name_of(o.activation);
  text += o.embedding > 0 ? fmt::format(", {}embedding {}", o.tied ? "tied " : "", o.embedding)
                          : std::string(", one-hot input");
  if (o.dropout > 0) text += fmt::format(", dropout {}", o.dropout);
  return text + fmt::format(", {} per gate, newlines {}", o.biases == Biases::one ? "one bias" : "two biases",
                            name_of(o.newlines));
}

void check_options(LanguageModelOptions options) {
  check_values(describe(options));
  if (!options.tied || options.embedding == options.hidden) return;
  throw OptionError(fmt::format("{} makes one weight of embedding and output layer: it needs {} {}, as {}",
                                option_name("tied"), option_name("embedding"), options.hidden, option_name("hidden")));
}

}  // namespace unroll
