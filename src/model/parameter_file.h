#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "io/safetensors.h"
#include "nn/layer_specs.h"

namespace unroll {

// The tensors of a model file. `parameters` are those of the model; `values` are their elements in one block, in the
// same order, as in Parameters::values().

std::vector<std::int64_t> stored_shape(const ParameterSpec& parameter);

/// Writes one safetensors file, atomically, with the tensors sorted by name. Throws Error: diverged if a value is not
/// finite, io.
void write_parameters(const std::string& path, const std::map<std::string, std::string>& metadata,
                      std::span<const ParameterSpec> parameters, std::span<const float> values);

/// Throws Error(bad_data) unless the file has exactly the tensors of these parameters, with their shapes and finite
/// values.
void check_parameters(const SafetensorsFile& file, const std::string& path, std::span<const ParameterSpec> parameters);

/// Copies the tensors of a checked file to `values`.
void read_parameters(const SafetensorsFile& file, std::span<const ParameterSpec> parameters, std::span<float> values);

}  // namespace unroll
