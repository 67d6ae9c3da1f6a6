#include "model/model_spec.h"

namespace unroll {

std::vector<ParameterSpec> parameters_of(const ModelSpec& model) {
  std::vector<ParameterSpec> all;
  const auto append = [&](const auto& layer) {
    for (ParameterSpec& parameter : parameters_of(layer)) {
      parameter.name = layer.name + "." + parameter.name;
      all.push_back(std::move(parameter));
    }
  };
  for (const LayerSpec& layer : model) std::visit(append, layer);
  return all;
}

std::int64_t parameter_count(const ModelSpec& model) {
  std::int64_t count = 0;
  for (const ParameterSpec& parameter : parameters_of(model)) {
    if (parameter.layout != ParameterSpec::Layout::zeros) count += parameter.shape.size();
  }
  return count;
}

double forward_operations(const ModelSpec& model) {
  double sum = 0;
  for (const LayerSpec& layer : model) {
    sum += std::visit([](const auto& one) { return forward_operations(one); }, layer);
  }
  return sum;
}

double activations(const ModelSpec& model) {
  double sum = 0;
  for (const LayerSpec& layer : model) sum += std::visit([](const auto& one) { return activations(one); }, layer);
  return sum;
}

}  // namespace unroll
