#include "unroll/language_model.h"

#include <fmt/format.h>

#include "device/device.h"
#include "language/model_options.h"
#include "nn/node.h"
#include "unroll/error.h"

namespace unroll {
namespace {

std::int64_t input_width(const LanguageModelOptions& o, const Tokenizer& vocabulary) {
  return o.embedding > 0 ? o.embedding : vocabulary.size();
}

RecurrentOptions recurrent_options(const LanguageModelOptions& o) {
  return {.cell = o.cell,
          .activation = o.activation,
          .hidden = o.hidden,
          .layers = o.layers,
          .bidirectional = o.bidirectional,
          .dropout = o.dropout,
          .biases = o.biases};
}

LanguageModelOptions checked(const LanguageModelOptions& options, const Tokenizer& vocabulary) {
  check_options(options);
  if (vocabulary.size() == 0) throw Error("language model: the vocabulary is empty; take that of a corpus");
  if (vocabulary.unit() == TokenUnit::byte && options.newlines == Newlines::space) {
    throw Error("language model: its vocabulary is of bytes, which are read as they are: newlines must be keep");
  }
  return options;
}

/// Empty parameters with memory reserved for the whole model.
Parameters reserved_parameters(Context& context, const Tokenizer& vocabulary, const LanguageModelOptions& options) {
  Parameters parameters(context);
  std::int64_t elements = 0;
  for (const ModelTensor& tensor : model_tensors(options, vocabulary.size())) {
    if (tensor.is_parameter) elements += tensor.size();
  }
  parameters.reserve(elements);
  return parameters;
}

void require_same_extents(const Ids& ids, const Ids& targets) {
  if (ids.steps() == targets.steps() && ids.batch() == targets.batch()) return;
  throw Error(fmt::format("language model: {} x {} symbols cannot be scored against {} x {} targets; give one each",
                          ids.steps(), ids.batch(), targets.steps(), targets.batch()));
}

}  // namespace

LanguageModel::Initializers LanguageModel::initializers(const LanguageModelOptions& options) {
  if (options.init.standard_deviation > 0) {
    const Normal normal{0, options.init.standard_deviation};
    return {
        .encoder = normal, .recurrent = normal, .recurrent_bias = Zero{}, .decoder = normal, .decoder_bias = Zero{}};
  }
  const Uniform recurrent = uniform_for_fan(options.hidden);
  const Uniform decoder = uniform_for_fan(options.hidden * (options.bidirectional ? 2 : 1));
  // A tied embedding also produces the logits: drawn from a wider distribution, the first predictions would be far from
  // uniform.
  return {.encoder = options.tied ? Init(decoder) : Init(Normal{0, 1}),
          .recurrent = recurrent,
          .recurrent_bias = recurrent,
          .decoder = decoder,
          .decoder_bias = decoder};
}

LanguageModel::LanguageModel(Context& context, Tokenizer vocabulary, const LanguageModelOptions& options)
    : LanguageModel(context, std::move(vocabulary), options, initializers(checked(options, vocabulary))) {}

LanguageModel::LanguageModel(Context& context, Tokenizer&& vocabulary, const LanguageModelOptions& options,
                             const Initializers& initializers)
    : vocabulary_(std::move(vocabulary)),
      options_(options),
      parameters_(reserved_parameters(context, vocabulary_, options)),
      encoder_(options.embedding > 0
                   ? std::optional<Embedding>(std::in_place, parameters_, "encoder", vocabulary_.size(),
                                              options.embedding, initializers.encoder)
                   : std::nullopt),
      recurrent_(parameters_, "rnn", static_cast<int>(input_width(options, vocabulary_)), recurrent_options(options),
                 initializers.recurrent, initializers.recurrent_bias),
      decoder_(options.tied ? Linear(parameters_, "decoder", *encoder_, initializers.decoder_bias)
                            : Linear(parameters_, "decoder", options.hidden * recurrent_.directions(),
                                     vocabulary_.size(), initializers.decoder, initializers.decoder_bias)) {}

Recurrent::Result LanguageModel::hidden(const Ids& ids, const RecurrentState& state, const StepDropout* dropout) const {
  return encoder_ ? recurrent_((*encoder_)(ids), state, dropout) : recurrent_(ids, state, dropout);
}

Var LanguageModel::operator()(const Ids& ids) const {
  return decoder_(hidden(ids, zero_state(ids.batch()), nullptr).output);
}

Var LanguageModel::loss(const Ids& ids, const Ids& targets, RecurrentState& state, const StepDropout* dropout) const {
  require_same_extents(ids, targets);
  Recurrent::Result result = hidden(ids, state, dropout);
  state = std::move(result.state);
  return linear_cross_entropy(result.output, decoder_, targets);
}

LanguageModel::Score LanguageModel::score(const Ids& ids, const Ids& targets, RecurrentState& state) const {
  require_same_extents(ids, targets);
  require_below(targets.flat(), vocabulary_.size(), "language model: target");
  const Recurrent::Result result = hidden(ids, state, nullptr);
  state = result.state.detach();
  LinearCrossEntropy problem;
  problem.input = ConstMatrix(result.output.value());
  const ConstMatrix weight(decoder_.weight.value());
  problem.weight = decoder_.transposed ? weight.transposed() : weight;
  problem.bias = decoder_.bias.value().data;
  problem.targets = targets.flat();
  device_of(context()).linear_cross_entropy(context(), problem);
  return {.cross_entropy_sum = problem.loss_sum, .symbols = targets.size(), .correct = problem.correct};
}

}  // namespace unroll
