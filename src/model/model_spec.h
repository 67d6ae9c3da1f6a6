#pragma once

#include <cstdint>
#include <vector>

#include "nn/layer_specs.h"

namespace unroll {

/// The layers of a model in the order of their parameters, stated once: its constructor makes them, and model files,
/// weight transfer, operation count and memory plan read them.
using ModelSpec = std::vector<LayerSpec>;

/// All parameters, with the names that they have in `Parameters` and in model files.
std::vector<ParameterSpec> parameters_of(const ModelSpec& model);

/// Elements of all parameters.
std::int64_t parameter_count(const ModelSpec& model);
/// As for a single layer.
double forward_operations(const ModelSpec& model);
double activations(const ModelSpec& model);

}  // namespace unroll
