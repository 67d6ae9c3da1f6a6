#include "language/model_options.h"

#include <fmt/format.h>

#include <cmath>

namespace unroll {

void check_options(const LanguageModelOptions& options, ExitCode code, const std::string& where) {
  const auto check = [&](const char* field, auto value, bool allowed, const std::string& range) {
    if (!allowed) throw Error(code, fmt::format("{}{} is {}; it must be {}", where, field, value, range));
  };
  const auto within = [](int value, int low, int high) { return low <= value && value <= high; };
  check("hidden", options.hidden, within(options.hidden, 1, 65536), "1 to 65536");
  check("layers", options.layers, within(options.layers, 1, 256), "1 to 256");
  check("embedding", options.embedding, within(options.embedding, 0, 65536), "0 to 65536");
  check("dropout", options.dropout, options.dropout >= 0 && options.dropout < 1, "at least 0 and below 1");
  const int decoded = options.hidden * (options.bidirectional ? 2 : 1);
  check("embedding", options.embedding, !options.tied || options.embedding == decoded,
        fmt::format("{}, as wide as what the decoder reads, because the weights are tied", decoded));
  const float deviation = options.init.standard_deviation;
  check("init.standard_deviation", deviation, deviation >= 0 && std::isfinite(deviation), "0 or a positive number");
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

}  // namespace unroll
