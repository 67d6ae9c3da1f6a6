#include "nn/layer_specs.h"

#include <fmt/format.h>

#include "unroll/cell.h"

namespace unroll {

namespace {

using Layout = ParameterSpec::Layout;

int directions_of(const RecurrentOptions& options) { return options.bidirectional ? 2 : 1; }

}  // namespace

std::vector<ParameterSpec> parameters_of(const EmbeddingSpec& layer) {
  return {{.name = "weight", .shape = {layer.symbols, layer.width}, .init = layer.init}};
}

std::vector<ParameterSpec> parameters_of(const LinearSpec& layer) {
  std::vector<ParameterSpec> own;
  if (!layer.tied) {
    own.push_back(
        {.name = "weight", .shape = {layer.in, layer.out}, .init = layer.weight_init, .layout = Layout::transposed});
  }
  own.push_back({.name = "bias", .shape = {layer.out}, .init = layer.bias_init});
  return own;
}

std::vector<ParameterSpec> parameters_of(const RecurrentSpec& layer) {
  const RecurrentOptions& options = layer.options;
  if (!options.cell.is_built_in()) return layer.own;
  const std::int64_t hidden = options.hidden, width = gate_count(options.cell.type()) * hidden;
  const Layout second_bias = options.biases == Biases::two ? Layout::same : Layout::zeros;
  std::vector<ParameterSpec> own;
  for (int index = 0; index < options.layers; ++index) {
    const std::int64_t input = index == 0 ? layer.input : directions_of(options) * hidden;
    for (int direction = 0; direction < directions_of(options); ++direction) {
      const std::string suffix = fmt::format("_l{}{}", index, direction == 1 ? "_reverse" : "");
      own.push_back({"weight_ih" + suffix, {input, width}, layer.init, Layout::transposed});
      own.push_back({"weight_hh" + suffix, {hidden, width}, layer.init, Layout::transposed});
      own.push_back({"bias_ih" + suffix, {width}, layer.bias_init});
      own.push_back({"bias_hh" + suffix, {width}, layer.bias_init, second_bias});
    }
  }
  return own;
}

double forward_operations(const EmbeddingSpec&) { return 0; }

double forward_operations(const LinearSpec& layer) {
  return 2 * static_cast<double>(layer.in) * static_cast<double>(layer.out);
}

double forward_operations(const RecurrentSpec& layer) {
  static_cast<void>(layer.options.cell.type());  // throws
  double products = 0;
  for (const ParameterSpec& parameter : parameters_of(layer)) {
    const bool is_looked_up = layer.one_hot && parameter.name.starts_with("weight_ih_l0");
    if (parameter.layout == Layout::transposed && !is_looked_up)
      products += static_cast<double>(parameter.shape.size());
  }
  return 2 * products;
}

double activations(const EmbeddingSpec& layer) { return 2.0 * layer.width; }

double activations(const LinearSpec&) { return 0; }

double activations(const RecurrentSpec& layer) {
  const RecurrentOptions& options = layer.options;
  const double per_unit = gate_count(options.cell.type()) + 5;
  return per_unit * options.hidden * options.layers * directions_of(options);
}

}  // namespace unroll
