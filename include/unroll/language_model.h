#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/corpus.h"
#include "unroll/layers.h"
#include "unroll/options.h"

namespace unroll {

/// Initial weights of a model. `standard_deviation` 0: PyTorch's uniform distribution U(-1/sqrt(fan), 1/sqrt(fan)) for
/// weights and biases, N(0, 1) for an embedding that is not tied. Otherwise weights are drawn from a normal
/// distribution with mean 0 and that standard deviation, and biases are 0, as in the textbook.
struct InitScheme {
  float standard_deviation = 0;
};

struct LanguageModelOptions {
  CellKind cell = CellType::rnn;             ///< built in, or one of your own
  Activation activation = Activation::tanh;  ///< of CellType::rnn
  int hidden = 256;                          ///< hidden units per layer, 1 to 65536
  int layers = 1;                            ///< stacked recurrent layers, 1 to 256
  int embedding = 0;                         ///< width of the symbol embedding, up to 65536; 0: one-hot input
  bool tied = false;                         ///< the decoder shares the weight of the embedding, whose width must
                                             ///< then be H
  float dropout = 0;                         ///< between layers, in training only, [0, 1)
  Biases biases = Biases::two;
  Newlines newlines = Newlines::keep;  ///< line ends of the training text, of prefixes and of scored texts
  InitScheme init = {};                ///< not part of the model file
};
std::vector<Option> describe(LanguageModelOptions& options);
/// "lstm, 256 hidden units, 1 layer, one-hot input, two biases per gate, newlines keep"; options that have no effect on
/// this model are left out.
std::string description(const LanguageModelOptions& options);
/// ", unit word"; empty for characters, the default.
std::string unit_suffix(TokenUnit unit);

/// One tensor of a model file, as PyTorch names and shapes it.
struct ModelTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  bool is_parameter = true;  ///< false: zeros that only PyTorch needs

  std::int64_t size() const;
};

struct LanguageModelSpec;
class PackedModel;

/// symbol -> (embedding) -> recurrent layers -> linear -> distribution of the next symbol. Parameters, in this order:
/// encoder.weight [V, E] (with an embedding), rnn.* (see Recurrent), decoder.weight [H, V] (unless tied to the
/// encoder's), decoder.bias [V].
class LanguageModel {
 public:
  /// Throws Error for an option outside its range, an empty vocabulary, or Newlines::space with a vocabulary of bytes.
  LanguageModel(Context& context, Tokenizer vocabulary, const LanguageModelOptions& options);

  const Tokenizer& vocabulary() const { return vocabulary_; }
  const LanguageModelOptions& options() const { return options_; }
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  Context& context() const { return parameters_.context(); }

  RecurrentState zero_state(int batch) const { return recurrent_.zero_state(batch); }

  /// Logits [T, B, V] of the symbol after each of ids [T, B], from a state of zeros.
  Var operator()(const Ids& ids) const;
  /// Mean cross-entropy of the targets [T, B], in nats. `state` is the initial state and is replaced by the final one.
  /// `dropout`: masks of this training step; null outside training. Throws Error if ids and targets differ in shape.
  Var loss(const Ids& ids, const Ids& targets, RecurrentState& state, const StepDropout* dropout = nullptr) const;

  struct Score {
    double cross_entropy_sum = 0;  ///< nats
    std::int64_t symbols = 0;
    std::int64_t correct = 0;  ///< targets that were the most probable symbol
  };
  /// Scores targets without gradients; `state` as in loss(), but detached from its history.
  Score score(const Ids& ids, const Ids& targets, RecurrentState& state) const;
  /// Scores a whole text: each symbol after the first, given those before it. A short text is read as one sequence. A
  /// longer one is divided into up to 32 segments that are read in one batch, which takes far less time; reading starts
  /// more than 256 symbols before each segment to warm up the state. The number of segments depends only on the length.
  /// Throws Error for fewer than two symbols.
  Score score(std::span<const std::int32_t> text) const { return score_part(text, 0, 1); }
  /// Scores the segments of part `part`, from 0, of `parts`; the results of all parts sum to score().
  Score score_part(std::span<const std::int32_t> text, int part, int parts) const;

  /// Writes one safetensors file, atomically: weights with PyTorch's names, shapes and gate order, configuration and
  /// vocabulary (docs/model-file.md). Throws Error(diverged) if a parameter is not finite.
  void save(const std::string& path) const;
  /// Saves the model with `values` instead of its parameters' values, for example an earlier copy of them.
  void save(const std::string& path, std::span<const float> values) const;
  /// Copies the weights of `other`. This model may have additional symbols at the end of its vocabulary, whose weights
  /// keep their values. Throws Error for any other difference.
  void copy_weights_from(const LanguageModel& other);
  /// The weights for generation (<unroll/session.h>).
  PackedModel pack() const;
  /// The tensors of its model file, in their order.
  std::vector<ModelTensor> tensors() const;
  /// Reads a model file; `cells`: cells of your own that it may have. Throws Error(bad_data), with the reason, if it is
  /// damaged, not a model file of unroll, or has another cell.
  static LanguageModel load(Context& context, const std::string& path, std::span<const CellKind> cells = {});
  static LanguageModel load(Context& context, const std::string& path, std::initializer_list<CellKind> cells) {
    return load(context, path, std::span(cells.begin(), cells.size()));
  }

 private:
  LanguageModel(Context& context, Tokenizer&& vocabulary, const LanguageModelOptions& options,
                const LanguageModelSpec& spec);
  friend class PackedModel;
  Recurrent::Result hidden(const Ids& ids, const RecurrentState& state, const StepDropout* dropout) const;

  Tokenizer vocabulary_;
  LanguageModelOptions options_;
  Parameters parameters_;
  std::optional<Embedding> encoder_;
  Recurrent recurrent_;
  Linear decoder_;
};

}  // namespace unroll
