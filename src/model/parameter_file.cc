#include "model/parameter_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "base/check.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {
namespace {

using Layout = ParameterSpec::Layout;

std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

[[noreturn]] void refuse_tensor(const std::string& path, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}", path, reason));
}

/// to[c - begin][r] = from[r][c] for the columns [begin, end) of from [rows, columns]. In blocks: a block's rows of
/// `to` fill a cache line each, and are no more than a set of the first-level cache holds, because all of them fall
/// into one set if H is a power of two.
void transpose_columns(std::span<const float> from, std::size_t rows, std::size_t columns, std::size_t begin,
                       std::size_t end, std::span<float> to) {
  constexpr std::size_t block_rows = 16, block_columns = 8;
  for (std::size_t top = 0; top < rows; top += block_rows) {
    for (std::size_t left = begin; left < end; left += block_columns) {
      for (std::size_t r = top; r < std::min(top + block_rows, rows); ++r) {
        for (std::size_t c = left; c < std::min(left + block_columns, end); ++c) {
          to[(c - begin) * rows + r] = from[r * columns + c];
        }
      }
    }
  }
}

std::size_t first_not_finite(std::span<const float> values) {
  return static_cast<std::size_t>(
      std::find_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); }) - values.begin());
}

void check_finite(const std::string& path, const std::string& name, std::span<const float> values) {
  const std::size_t bad = first_not_finite(values);
  if (bad == values.size()) return;
  throw Error(ExitCode::diverged,
              fmt::format("{}: not written, because {} holds {}; the training has diverged: lower the learning rate or "
                          "clip the gradients",
                          path, name, values[bad]));
}

struct Extents {
  std::size_t rows, columns;
};
Extents extents_of(const ParameterSpec& matrix) {
  return {static_cast<std::size_t>(matrix.shape[0]), static_cast<std::size_t>(matrix.shape[1])};
}

std::size_t size_of(const ParameterSpec& parameter) { return static_cast<std::size_t>(parameter.shape.size()); }

/// A parameter and its part of the block of values, which is empty for one that only the file has.
template <typename Number>
struct Part {
  const ParameterSpec* parameter;
  std::span<Number> values;
};

template <typename Number>
std::vector<Part<Number>> parts_of(std::span<const ParameterSpec> parameters, std::span<Number> values) {
  std::vector<Part<Number>> parts;
  std::size_t offset = 0;
  for (const ParameterSpec& parameter : parameters) {
    const std::size_t size = parameter.layout == Layout::zeros ? 0 : size_of(parameter);
    UNROLL_CHECK(offset + size <= values.size());
    parts.push_back({&parameter, values.subspan(offset, size)});
    offset += size;
  }
  UNROLL_CHECK(offset == values.size());
  return parts;
}

void write_floats(const WritePiece& write, std::span<const float> values) {
  write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

/// Writes a transposed parameter piece by piece, because a copy of a large model may not fit in memory.
void write_transposed(const WritePiece& write, const ParameterSpec& parameter, std::span<const float> values) {
  const auto [rows, columns] = extents_of(parameter);
  const std::size_t columns_at_once = std::max<std::size_t>(1, (1 << 18) / rows);
  std::vector<float> piece(std::min(columns_at_once, columns) * rows);
  for (std::size_t begin = 0; begin < columns; begin += columns_at_once) {
    const std::size_t end = std::min(begin + columns_at_once, columns);
    transpose_columns(values, rows, columns, begin, end, piece);
    write_floats(write, std::span(piece).first((end - begin) * rows));
  }
}

void write_part(const WritePiece& write, const Part<const float>& part) {
  switch (part.parameter->layout) {
    case Layout::same:
      return write_floats(write, part.values);
    case Layout::transposed:
      return write_transposed(write, *part.parameter, part.values);
    case Layout::zeros:
      return write_floats(write, std::vector<float>(size_of(*part.parameter), 0.0f));
  }
}

/// Refuses tensors that the model does not have.
void check_names(const SafetensorsFile& file, const std::string& path, std::span<const ParameterSpec> parameters) {
  std::set<std::string_view> names;
  for (const ParameterSpec& parameter : parameters) names.insert(parameter.name);
  for (const StoredTensor& stored : file.tensors()) {
    if (!names.contains(stored.name)) {
      refuse_tensor(path, fmt::format("tensor {} is not part of this model", in_quotes(stored.name)));
    }
  }
  const auto refuse_other = [&](const auto& tensors) {
    for (const auto& stored : tensors) {
      refuse_tensor(path, fmt::format("tensor {} holds integers; a model has float32 only", in_quotes(stored.name)));
    }
  };
  refuse_other(file.ints());
  refuse_other(file.bytes());
}

}  // namespace

std::vector<std::int64_t> stored_shape(const ParameterSpec& parameter) {
  std::vector<std::int64_t> extents(static_cast<std::size_t>(parameter.shape.rank()));
  for (int i = 0; std::int64_t & extent : extents) extent = parameter.shape[i++];
  if (parameter.layout == Layout::transposed) std::swap(extents.at(0), extents.at(1));
  return extents;
}

void write_parameters(const std::string& path, const std::map<std::string, std::string>& metadata,
                      std::span<const ParameterSpec> parameters, std::span<const float> values) {
  std::vector<Part<const float>> parts = parts_of(parameters, values);
  std::ranges::sort(parts, {}, [](const auto& part) { return part.parameter->name; });
  std::vector<StoredTensor> descriptions;
  for (const Part<const float>& part : parts) {
    check_finite(path, part.parameter->name, part.values);
    descriptions.push_back({.name = part.parameter->name, .shape = stored_shape(*part.parameter), .values = {}});
  }
  write_safetensors(path, metadata, descriptions, [&](const WritePiece& write) {
    for (const Part<const float>& part : parts) write_part(write, part);
  });
}

void check_parameters(const SafetensorsFile& file, const std::string& path, std::span<const ParameterSpec> parameters) {
  for (const ParameterSpec& parameter : parameters) {
    const StoredTensor* stored = file.find(parameter.name);
    if (stored == nullptr) refuse_tensor(path, fmt::format("float32 tensor {} is missing", parameter.name));
    const std::vector<std::int64_t> expected = stored_shape(parameter);
    if (stored->shape != expected) {
      refuse_tensor(path, fmt::format("tensor {} is {}; its config asks for {}", parameter.name,
                                      shape_text(stored->shape), shape_text(expected)));
    }
    const std::size_t bad = first_not_finite(stored->values);
    if (bad < stored->values.size()) {
      refuse_tensor(path,
                    fmt::format("tensor {} holds {} at element {}; the training has diverged or the file is damaged",
                                parameter.name, stored->values[bad], bad));
    }
    if (parameter.layout != Layout::zeros) continue;
    if (std::ranges::any_of(stored->values, [](float x) { return x != 0; })) {
      refuse_tensor(path, fmt::format("tensor {} is not zero, but the config has \"biases\": \"one\"", parameter.name));
    }
  }
  check_names(file, path, parameters);
}

void read_parameters(const SafetensorsFile& file, std::span<const ParameterSpec> parameters, std::span<float> values) {
  for (const Part<float>& part : parts_of(parameters, values)) {
    if (part.parameter->layout == Layout::zeros) continue;
    const std::span<const float> stored = file.find(part.parameter->name)->values;
    if (part.parameter->layout == Layout::transposed) {
      const auto [rows, columns] = extents_of(*part.parameter);
      transpose_columns(stored, columns, rows, 0, rows, part.values);
    } else {
      std::copy(stored.begin(), stored.end(), part.values.begin());
    }
  }
}

}  // namespace unroll
