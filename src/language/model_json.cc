#include "language/model_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "io/json_fields.h"
#include "language/model_options.h"

namespace unroll {
namespace {

using nlohmann::ordered_json;

constexpr std::int64_t max_vocabulary = Tokenizer::max_size;
constexpr std::size_t max_config = 65536;  // bytes; one written by unroll has about 250

/// A field that the format has from the beginning. A language model that reads backwards in time would read the symbols
/// that it predicts.
Option never_bidirectional() {
  return {.name = "bidirectional",
          .form = Option::Form::toggle,
          .type = Option::Type::boolean,
          .assign =
              [](const std::string& value) {
                if (value != "false") throw IllegalValue{"false: it would read the symbols that it predicts"};
              },
          .values = [] { return std::vector<std::string>{"false"}; }};
}

/// The options that a model file keeps.
OptionGroup kept_options(LanguageModelOptions& options) {
  OptionGroup group{.title = "model", .options = describe(options)};
  std::erase_if(group.options, [](const Option& option) { return option.name == "init"; });
  const auto biases = std::ranges::find(group.options, "biases", &Option::name);
  group.options.insert(biases, never_bidirectional());
  return group;
}

// Files of before it do not have it.
constexpr std::string_view later_option = "tied";

}  // namespace

std::string config_json(const ModelConfig& config) {
  LanguageModelOptions options = config.options;
  const OptionGroup kept = kept_options(options);
  ordered_json json = ordered_json::parse(options_json({&kept, 1}, values_to_keep({&kept, 1})));
  json["vocabulary_size"] = config.vocabulary_size;
  return json.dump();
}

ModelConfig config_from_json(const std::string& text, const std::string& file, std::span<const CellKind> cells) {
  const std::string what = file + ": config";
  const JsonFields fields(parse_json_object(text, max_config, 2, what), what);
  ModelConfig config;
  for (const CellKind& cell : cells) {
    if (fields.field("cell") == cell.name()) config.options.cell = cell;
  }
  for (const Option& option : kept_options(config.options).options) {
    if (option.name != later_option || fields.contains(option.name)) fields.assign_to(option);
  }
  config.vocabulary_size = fields.integer("vocabulary_size");
  try {
    check_options(config.options);
  } catch (const Error& error) {
    throw Error(ExitCode::bad_data, fmt::format("{}: {}", what, error.what()));
  }
  if (config.vocabulary_size < 1 || config.vocabulary_size > max_vocabulary) {
    fields.refuse("vocabulary_size", fmt::format("1 to {}", max_vocabulary));
  }
  return config;
}

}  // namespace unroll
