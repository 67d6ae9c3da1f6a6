#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/check.h"
#include "io/safetensors.h"
#include "language/model_json.h"
#include "language/model_options.h"
#include "unroll/format.h"

namespace unroll {
namespace {

constexpr const char* format_name = "unroll.language_model";
/// Version 2 is version 1 with a vocabulary in another unit than characters.
constexpr const char *version_of_characters = "1", *version_of_units = "2";

std::string shape_text(const std::vector<std::int64_t>& shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

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

std::span<float> values_of(Parameters& parameters, const ModelTensor& tensor) {
  const Parameters::Entry* entry = parameters.find(tensor.name);
  UNROLL_CHECK(entry != nullptr && entry->var.shape().size() == tensor.size());
  return parameters.values().subspan(static_cast<std::size_t>(entry->offset), static_cast<std::size_t>(tensor.size()));
}

[[noreturn]] void refuse(const std::string& path, const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("{}: {}", path, reason));
}

const std::string& metadata(const SafetensorsFile& file, const std::string& path, const std::string& key) {
  const auto found = file.metadata().find(key);
  if (found == file.metadata().end()) {
    refuse(path, fmt::format("not a model file of unroll: \"{}\" is missing from its __metadata__", key));
  }
  return found->second;
}

void check_format(const SafetensorsFile& file, const std::string& path) {
  const std::string& format = metadata(file, path, "format");
  if (format == "unroll.checkpoint") refuse(path, "a checkpoint is no model; the run directory it lies in has one");
  if (format != format_name) {
    refuse(path, fmt::format("its format is {}; expected \"{}\"", in_quotes(format), format_name));
  }
  const std::string& version = metadata(file, path, "format_version");
  if (version != version_of_characters && version != version_of_units) {
    refuse(path, fmt::format("its format_version is {}, this build reads \"{}\" and \"{}\"; use a newer unroll",
                             in_quotes(version), version_of_characters, version_of_units));
  }
  if (!file.has_checksum()) {
    refuse(path,
           "its header does not begin with the checksum \"xxh3\", without which damage cannot be seen; save it again "
           "with this unroll, or as docs/model-file.md tells other programs");
  }
}

/// Checks that the file has exactly the tensors of the configuration, with their shapes and finite values.
void check_tensors(const SafetensorsFile& file, const std::string& path, const std::vector<ModelTensor>& expected) {
  for (const ModelTensor& tensor : expected) {
    const StoredTensor* stored = file.find(tensor.name);
    if (stored == nullptr) refuse(path, fmt::format("float32 tensor {} is missing", tensor.name));
    if (stored->shape != tensor.shape) {
      refuse(path, fmt::format("tensor {} is {}; its config asks for {}", tensor.name, shape_text(stored->shape),
                               shape_text(tensor.shape)));
    }
    const std::size_t bad = first_not_finite(stored->values);
    if (bad < stored->values.size()) {
      refuse(path, fmt::format("tensor {} holds {} at element {}; the training has diverged or the file is damaged",
                               tensor.name, stored->values[bad], bad));
    }
    if (tensor.is_parameter) continue;
    if (std::any_of(stored->values.begin(), stored->values.end(), [](float x) { return x != 0; })) {
      refuse(path, fmt::format("tensor {} is not zero, but the config has \"biases\": \"one\"", tensor.name));
    }
  }
  std::set<std::string_view> names;
  for (const ModelTensor& tensor : expected) names.insert(tensor.name);
  for (const StoredTensor& stored : file.tensors()) {
    if (!names.contains(stored.name)) {
      refuse(path, fmt::format("tensor {} is not part of this model", in_quotes(stored.name)));
    }
  }
  const auto refuse_other = [&](const auto& tensors) {
    for (const auto& stored : tensors)
      refuse(path, fmt::format("tensor {} holds integers; a model has float32 only", in_quotes(stored.name)));
  };
  refuse_other(file.ints());
  refuse_other(file.bytes());
}

void check_finite(const std::string& path, const std::string& name, std::span<const float> values) {
  const std::size_t bad = first_not_finite(values);
  if (bad == values.size()) return;
  throw Error(ExitCode::diverged,
              fmt::format("{}: not written, because {} holds {}; the training has diverged: lower the learning rate or "
                          "clip the gradients",
                          path, name, values[bad]));
}

void write_floats(const WritePiece& write, std::span<const float> values) {
  write({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

/// Writes a parameter in the layout of the file, piece by piece, because a copy of a large model may not fit in memory.
void write_elements(const WritePiece& write, const ModelTensor& tensor, std::span<const float> ours) {
  if (!tensor.transposed) return write_floats(write, ours);
  const auto outputs = static_cast<std::size_t>(tensor.shape[0]), inputs = static_cast<std::size_t>(tensor.shape[1]);
  const std::size_t rows_at_once = std::max<std::size_t>(1, (1 << 18) / inputs);
  std::vector<float> piece(std::min(rows_at_once, outputs) * inputs);
  for (std::size_t begin = 0; begin < outputs; begin += rows_at_once) {
    const std::size_t end = std::min(begin + rows_at_once, outputs);
    transpose_columns(ours, inputs, outputs, begin, end, piece);
    write_floats(write, std::span(piece).first((end - begin) * inputs));
  }
}

}  // namespace

void LanguageModel::save(const std::string& path, std::span<const float> values) const {
  if (static_cast<std::int64_t>(values.size()) != parameters_.size()) {
    throw Error(fmt::format("{}: not written: {} values for {} parameters", path, values.size(), parameters_.size()));
  }
  std::vector<ModelTensor> tensors = model_tensors(options_, vocabulary_.size());
  std::sort(tensors.begin(), tensors.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  const auto values_of = [&](const ModelTensor& tensor) {
    const Parameters::Entry* entry = parameters_.find(tensor.name);
    UNROLL_CHECK(entry != nullptr && entry->var.shape().size() == tensor.size());
    return values.subspan(static_cast<std::size_t>(entry->offset), static_cast<std::size_t>(tensor.size()));
  };
  std::vector<StoredTensor> descriptions;
  for (const ModelTensor& tensor : tensors) {
    if (tensor.is_parameter) check_finite(path, tensor.name, values_of(tensor));
    descriptions.push_back({.name = tensor.name, .shape = tensor.shape, .values = {}});
  }
  const std::map<std::string, std::string> metadata = {
      {"format", format_name},
      {"format_version", vocabulary_.unit() == TokenUnit::character ? version_of_characters : version_of_units},
      {"config", config_json({.options = options_, .vocabulary_size = vocabulary_.size()})},
      {"vocabulary", vocabulary_.to_json()}};
  write_safetensors(path, metadata, descriptions, [&](const WritePiece& write) {
    for (const ModelTensor& tensor : tensors) {
      if (tensor.is_parameter) {
        write_elements(write, tensor, values_of(tensor));
      } else {
        write_floats(write, std::vector<float>(static_cast<std::size_t>(tensor.size()), 0.0f));
      }
    }
  });
}

LanguageModel LanguageModel::load(Context& context, const std::string& path) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  check_format(file, path);
  const ModelConfig config = config_from_json(metadata(file, path, "config"), path);
  const std::vector<ModelTensor> tensors = model_tensors(config.options, config.vocabulary_size);
  check_tensors(file, path, tensors);  // before allocating what the config asks for
  Tokenizer vocabulary =
      Tokenizer::from_json(metadata(file, path, "vocabulary"), path + ": vocabulary", config.vocabulary_size);
  if (vocabulary.unit() == TokenUnit::byte && config.options.newlines == Newlines::space) {
    refuse(path, "config: newlines is \"space\"; expected \"keep\", since its vocabulary is of bytes");
  }
  LanguageModel model(context, std::move(vocabulary), config.options, Initializers{});
  for (const ModelTensor& tensor : tensors) {
    if (!tensor.is_parameter) continue;
    const std::span<const float> theirs = file.find(tensor.name)->values;
    const std::span<float> ours = values_of(model.parameters_, tensor);
    if (tensor.transposed) {
      const auto rows = static_cast<std::size_t>(tensor.shape[0]), columns = static_cast<std::size_t>(tensor.shape[1]);
      transpose_columns(theirs, rows, columns, 0, columns, ours);
    } else {
      std::copy(theirs.begin(), theirs.end(), ours.begin());
    }
  }
  model.parameters_.updated();
  return model;
}

}  // namespace unroll
