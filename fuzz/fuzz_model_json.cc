#include <optional>
#include <string>

#include "base/check.h"
#include "language/language_model_spec.h"
#include "language/model_json.h"
#include "refuses.h"

using namespace unroll;

/// The config of a language model is refused, or is one that is written and read again as the same, and whose tensors
/// have sizes that can be computed.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::optional<ModelConfig> config;
  if (refuses([&] { config = config_from_json(text, "file"); })) return 0;
  const std::string written = config_json(*config);
  UNROLL_CHECK(config_json(config_from_json(written, "written")) == written);
  const LanguageModelSpec spec(config->options, static_cast<int>(config->vocabulary_size));
  UNROLL_CHECK(parameter_count(spec.layers()) > 0);
  return 0;
}
