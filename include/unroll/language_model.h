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

namespace unroll {

/// How the weights of a model begin: `standard_deviation` 0 is PyTorch's uniform draw, U(-1/sqrt(fan), 1/sqrt(fan)) for
/// weights and biases; otherwise weights are drawn from N(0, standard_deviation) and biases are 0, as in the textbook.
struct InitScheme {
  float standard_deviation = 0;
};

struct LanguageModelOptions {
  Cell cell = Cell::rnn;                     ///< rnn, gru or lstm
  Activation activation = Activation::tanh;  ///< of Cell::rnn
  int hidden = 256;                          ///< hidden units per layer, 1 to 65536
  int layers = 1;                            ///< recurrent layers, one upon the other, 1 to 256
  int embedding = 0;                         ///< width of the symbol embedding, up to 65536; 0 feeds one-hot vectors
  bool tied = false;                         ///< the decoder's weight is the embedding's, which is then as wide as
                                             ///< what the decoder reads, D*H
  float dropout = 0;                         ///< between layers, while training, [0, 1)
  bool bidirectional = false;                ///< sees the future too: cannot generate
  Biases biases = Biases::two;
  Newlines newlines = Newlines::keep;  ///< how its text was read; prefixes and texts to score are read alike
  InitScheme init = {};                ///< not part of the model file
};

/// symbol -> (embedding) -> recurrent layers -> linear -> distribution of the next symbol. Parameters, in this order:
/// encoder.weight [V, E] (with an embedding), rnn.* (see Recurrent), decoder.weight [D*H, V] (unless it is tied to the
/// encoder's), decoder.bias [V].
class LanguageModel {
 public:
  /// Throws Error for an option outside its range or an empty vocabulary.
  LanguageModel(Context& context, Vocabulary vocabulary, const LanguageModelOptions& options);

  const Vocabulary& vocabulary() const { return vocabulary_; }
  const LanguageModelOptions& options() const { return options_; }
  Parameters& parameters() { return parameters_; }
  const Parameters& parameters() const { return parameters_; }
  Context& context() const { return parameters_.context(); }

  RecurrentState zero_state(int batch) const { return recurrent_.zero_state(batch); }

  /// Mean cross-entropy of the targets, in nats; `state` is read and replaced by the state after the last step.
  /// `dropout`: this step's masks, null outside training.
  Var loss(const Ids& ids, const Ids& targets, RecurrentState& state, const StepDropout* dropout = nullptr) const;

  struct Score {
    double cross_entropy_sum = 0;  ///< nats
    std::int64_t symbols = 0;
    std::int64_t correct = 0;  ///< predicted as the most probable
  };
  /// Scores targets without gradients; `state` as in loss(), but cut off from its history.
  Score score(const Ids& ids, const Ids& targets, RecurrentState& state) const;
  /// Scores a whole text: each symbol after the first, given those before it. A short text is read as one sequence. A
  /// longer one is cut into up to 32 parts that are read side by side, which takes far less time; the reader of a part
  /// begins more than 256 symbols before it, so that its state knows what came before. How many parts there are depends
  /// on the length alone. Throws Error for less than two symbols.
  Score score(std::span<const std::int32_t> text) const { return score_part(text, 0, 1); }
  /// Part `part` of `parts` of that, divided by places where it is read; all parts together are the whole.
  Score score_part(std::span<const std::int32_t> text, int part, int parts) const;

  /// One safetensors file: weights in PyTorch's names, shapes and gate order, configuration and vocabulary inside
  /// (docs/model-file.md). Written whole or not at all. Throws Error(diverged) for a parameter that is not finite.
  void save(const std::string& path) const { save(path, parameters_.values()); }
  /// The same with other values in the place of its parameters', such as a copy of them made earlier.
  void save(const std::string& path, std::span<const float> values) const;
  /// Takes over all weights of a model that differs in nothing but that this one's vocabulary has more symbols behind
  /// the other's: theirs stay as they are. Throws Error for any other model.
  void take_weights(const LanguageModel& other);
  /// Throws Error(bad_data) for a file that is damaged or not a model of ours, and says what is wrong with it.
  static LanguageModel load(Context& context, const std::string& path);

 private:
  struct Draws {
    Init encoder, recurrent, recurrent_bias, decoder, decoder_bias;
  };
  static Draws draws(const LanguageModelOptions& options);
  LanguageModel(Context& context, Vocabulary&& vocabulary, const LanguageModelOptions& options, const Draws& draws);
  Recurrent::Result hidden(const Ids& ids, const RecurrentState& state, const StepDropout* dropout) const;

  Vocabulary vocabulary_;
  LanguageModelOptions options_;
  Parameters parameters_;
  std::optional<Embedding> encoder_;
  Recurrent recurrent_;
  Linear decoder_;
};

/// Texts that a model reads side by side, one symbol of each at a time, without gradients. The weights are laid out
/// once, when it is made, so that a step reads each of them once; after the first step nothing is allocated. Its
/// numbers are the bits of the whole sequence's. The model outlives it.
class Predictor {
 public:
  /// All texts begin with a state of zeros. Throws Error for a bidirectional model and for less than one text.
  explicit Predictor(const LanguageModel& model, int texts = 1);
  Predictor(Predictor&&) noexcept;
  Predictor& operator=(Predictor&&) noexcept;
  ~Predictor();

  /// Feeds ids[i] to text i. Fewer ids than the time before end the texts from ids.size() on. Throws Error for an index
  /// outside the vocabulary, no or too many ids, and where the model's parameters have changed since it was made.
  void feed(std::span<const std::int32_t> ids);
  void feed(std::int32_t id) { feed({&id, 1}); }

  /// Logits [count, V] of what comes next in the texts first .. first + count - 1, after a first feed(). The memory is
  /// the caller's to write to until the next call. Throws Error for texts that were not fed.
  View logits(int first = 0, int count = 1);

 private:
  struct Network;
  std::unique_ptr<Network> network_;
};

struct GenerateOptions {
  int length = 50;                    ///< number of new symbols
  float temperature = 0;              ///< 0: always the most probable; 1: as the model says; higher: bolder
  std::uint64_t seed = 0;             ///< of the draws
  Unknown unknown = Unknown::refuse;  ///< symbols of the prefix that the vocabulary lacks
};

/// Continues `prefix` (UTF-8); returns the prefix as the model read it and the new symbols. Without a prefix, or where
/// all of it is skipped, the first of the new symbols is drawn from the corpus's frequencies. `on_text` gets the prefix
/// and then each new symbol, whole UTF-8, as soon as it is there, and ends generation by returning false. Draws are
/// keyed by (seed, position in the text). Throws Error for a bidirectional model, options out of range, or unknown
/// symbols in the prefix (bad_data), and Error(diverged) where the model's logits are not finite.
std::string generate(const LanguageModel& model, std::string_view prefix, const GenerateOptions& options,
                     const std::function<bool(std::string_view)>& on_text = {});

/// Continues many prefixes side by side, which takes far less time than one after the other. Draws are keyed by (seed,
/// index of the text, position in it): text 0 is that of the call above, and no text depends on the others.
std::vector<std::string> generate(const LanguageModel& model, std::span<const std::string> prefixes,
                                  const GenerateOptions& options);
/// For prefixes in braces, which would else be taken for one text from the first pointer to the second.
inline std::vector<std::string> generate(const LanguageModel& model, std::initializer_list<std::string> prefixes,
                                         const GenerateOptions& options) {
  return generate(model, std::span(prefixes.begin(), prefixes.size()), options);
}

}  // namespace unroll
