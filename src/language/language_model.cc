#include "unroll/language_model.h"

#include <fmt/format.h>

#include "device/device.h"
#include "language/language_model_spec.h"
#include "language/model_options.h"
#include "nn/node.h"
#include "unroll/error.h"

namespace unroll {
namespace {

LanguageModelOptions checked(const LanguageModelOptions& options, const Tokenizer& vocabulary) {
  check_options(options);
  if (vocabulary.size() == 0) throw Error("language model: the vocabulary is empty; take that of a corpus");
  if (vocabulary.unit() == TokenUnit::byte && options.newlines == Newlines::space) {
    throw Error("language model: its vocabulary is of bytes, which are read as they are: newlines must be keep");
  }
  return options;
}

/// Empty parameters with memory reserved for the whole model.
Parameters reserved_parameters(Context& context, const LanguageModelSpec& spec) {
  Parameters parameters(context);
  parameters.reserve(parameter_count(spec.layers()));
  return parameters;
}

void require_same_extents(const Ids& ids, const Ids& targets) {
  if (ids.steps() == targets.steps() && ids.batch() == targets.batch()) return;
  throw Error(fmt::format("language model: {} x {} symbols cannot be scored against {} x {} targets; give one each",
                          ids.steps(), ids.batch(), targets.steps(), targets.batch()));
}

}  // namespace

LanguageModel::LanguageModel(Context& context, Tokenizer vocabulary, const LanguageModelOptions& options)
    : LanguageModel(context, std::move(vocabulary), options,
                    LanguageModelSpec(checked(options, vocabulary), vocabulary.size())) {}

LanguageModel::LanguageModel(Context& context, Tokenizer&& vocabulary, const LanguageModelOptions& options,
                             const LanguageModelSpec& spec)
    : vocabulary_(std::move(vocabulary)),
      options_(options),
      parameters_(reserved_parameters(context, spec)),
      encoder_(spec.encoder ? std::optional<Embedding>(std::in_place, parameters_, *spec.encoder) : std::nullopt),
      recurrent_(parameters_, spec.recurrent),
      decoder_(parameters_, spec.decoder, encoder_ ? &*encoder_ : nullptr) {}

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
  const NoGrad no_grad;
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
