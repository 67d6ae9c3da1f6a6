#include <fmt/format.h>

#include "base/device_memory.h"
#include "io/safetensors.h"
#include "language/language_model_spec.h"
#include "language/model_json.h"
#include "model/parameter_file.h"
#include "nn/parameter_memory.h"
#include "unroll/format.h"

namespace unroll {
namespace {

constexpr const char* format_name = "unroll.language_model";
/// Version 2 is version 1 with a vocabulary in another unit than characters.
constexpr const char *version_of_characters = "1", *version_of_units = "2";

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

}  // namespace

std::int64_t ModelTensor::size() const {
  std::int64_t elements = 1;
  for (const std::int64_t extent : shape) elements *= extent;
  return elements;
}

std::vector<ModelTensor> LanguageModel::tensors() const {
  std::vector<ModelTensor> all;
  for (const ParameterSpec& parameter : parameters_of(LanguageModelSpec(*this).layers())) {
    all.push_back({.name = parameter.name,
                   .shape = stored_shape(parameter),
                   .is_parameter = parameter.layout != ParameterSpec::Layout::zeros});
  }
  return all;
}

void LanguageModel::save(const std::string& path) const {
  save(path, HostView(context(), values_on_device(parameters_)).span());
}

void LanguageModel::save(const std::string& path, std::span<const float> values) const {
  if (static_cast<std::int64_t>(values.size()) != parameters_.size()) {
    throw Error(fmt::format("{}: not written: {} values for {} parameters", path, values.size(), parameters_.size()));
  }
  const std::map<std::string, std::string> metadata = {
      {"format", format_name},
      {"format_version", vocabulary_.unit() == TokenUnit::character ? version_of_characters : version_of_units},
      {"config", config_json({.options = options_, .vocabulary_size = vocabulary_.size()})},
      {"vocabulary", vocabulary_.to_json()}};
  write_parameters(path, metadata, parameters_of(LanguageModelSpec(*this).layers()), values);
}

LanguageModel LanguageModel::load(Context& context, const std::string& path, std::span<const CellKind> cells) {
  const SafetensorsFile file = SafetensorsFile::read(path);
  check_format(file, path);
  const ModelConfig config = config_from_json(metadata(file, path, "config"), path, cells);
  LanguageModelSpec spec = LanguageModelSpec(config.options, static_cast<int>(config.vocabulary_size)).zeroed();
  const bool is_built_in = config.options.cell.is_built_in();
  // Before allocating what the config asks for, where that is known.
  if (is_built_in) check_parameters(file, path, parameters_of(spec.layers()));
  Tokenizer vocabulary =
      Tokenizer::from_json(metadata(file, path, "vocabulary"), path + ": vocabulary", config.vocabulary_size);
  if (vocabulary.unit() == TokenUnit::byte && config.options.newlines == Newlines::space) {
    refuse(path, "config: newlines is \"space\"; expected \"keep\", since its vocabulary is of bytes");
  }
  LanguageModel model(context, std::move(vocabulary), config.options, spec);
  const std::vector<ParameterSpec> parameters = parameters_of(LanguageModelSpec(model).layers());
  if (!is_built_in) check_parameters(file, path, parameters);
  MutableHostView values(context, values_on_device(model.parameters_), HostAccess::write);
  read_parameters(file, parameters, values.span());
  values.store();
  model.parameters_.updated();
  return model;
}

}  // namespace unroll
