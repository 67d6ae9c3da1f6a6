#include "cli/enum_names.h"

#include <fmt/format.h>

#include "cli/format.h"

namespace unroll::cli {

std::string description(const LanguageModelOptions& o) {
  std::string text = fmt::format("{}, {}, {}", name_of(cell_names, o.cell), counted(o.hidden, "hidden unit"),
                                 counted(o.layers, "layer"));
  if (o.cell == Cell::rnn) text += ", " + name_of(activation_names, o.activation);
  if (o.bidirectional) text += ", bidirectional";
  text += o.embedding > 0 ? fmt::format(", {}embedding {}", o.tied ? "tied " : "", o.embedding)
                          : std::string(", one-hot input");
  if (o.dropout > 0) text += fmt::format(", dropout {}", o.dropout);
  return text + fmt::format(", {} per gate, newlines {}", o.biases == Biases::one ? "one bias" : "two biases",
                            name_of(newlines_names, o.newlines));
}

}  // namespace unroll::cli
