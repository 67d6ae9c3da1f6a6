#include "language/language_model_spec.h"

namespace unroll {

LanguageModelSpec::LanguageModelSpec(const LanguageModelOptions& o, int symbols) {
  const float deviation = o.init.standard_deviation;
  const bool normal = deviation > 0;
  const Init uniform = uniform_for_fan(o.hidden);
  const Init weight_init = normal ? Init(Normal{0, deviation}) : uniform;
  const Init bias_init = normal ? Init(Zero{}) : uniform;
  if (o.embedding > 0) {
    // A tied embedding also produces the logits: drawn from a wider distribution, the first predictions would be far
    // from uniform.
    const Init embedding_init = normal || o.tied ? weight_init : Init(Normal{0, 1});
    encoder = {.name = "encoder", .symbols = symbols, .width = o.embedding, .init = embedding_init};
  }
  recurrent = {.name = "rnn",
               .input = encoder ? encoder->width : symbols,
               .one_hot = !encoder,
               .options = {.cell = o.cell,
                           .activation = o.activation,
                           .hidden = o.hidden,
                           .layers = o.layers,
                           .dropout = o.dropout,
                           .biases = o.biases},
               .init = weight_init,
               .bias_init = bias_init};
  decoder = {.name = "decoder",
             .in = o.hidden,
             .out = symbols,
             .weight_init = weight_init,
             .bias_init = bias_init,
             .tied = o.tied};
}

LanguageModelSpec::LanguageModelSpec(const LanguageModel& model)
    : LanguageModelSpec(model.options(), model.vocabulary().size()) {
  if (model.options().cell.is_built_in()) return;
  const std::string prefix = recurrent.name + ".";
  for (const Parameters::Entry& entry : model.parameters().entries()) {
    if (entry.name.starts_with(prefix)) {
      recurrent.own.push_back({.name = entry.name.substr(prefix.size()), .shape = entry.var.shape()});
    }
  }
}

LanguageModelSpec LanguageModelSpec::zeroed() && {
  if (encoder) encoder->init = Zero{};
  recurrent.init = recurrent.bias_init = decoder.weight_init = decoder.bias_init = Zero{};
  return std::move(*this);
}

ModelSpec LanguageModelSpec::layers() const {
  ModelSpec all;
  if (encoder) all.emplace_back(*encoder);
  all.emplace_back(recurrent);
  all.emplace_back(decoder);
  return all;
}

}  // namespace unroll
