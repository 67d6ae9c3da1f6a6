#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unroll/language_model.h"

namespace unroll {

/// The weights of a language model in the order in which the kernels read them, with its vocabulary and options.
/// Copies share one, and threads may use it at the same time. It keeps the memory of the model's parameters and about
/// as much again, and may outlive the model and its context. The parameters must not change afterwards: sessions of a
/// model that was trained on throw Error. Pack a model that no thread trains. One with a cell of your own needs the
/// model's context: its sessions use that one, on one thread.
class PackedModel {
 public:
  explicit PackedModel(const LanguageModel& model);

  const Tokenizer& vocabulary() const;
  const LanguageModelOptions& options() const;
  /// A number for the configuration, the vocabulary and the bits of all weights: the same in every process.
  std::uint64_t fingerprint() const;

  struct Weights;
  const Weights& weights() const { return *weights_; }

 private:
  std::shared_ptr<const Weights> weights_;
};

struct GenerateOptions {
  int length = 50;                    ///< number of new symbols
  float temperature = 0;              ///< >= 0; 0: the most probable symbol; otherwise logits are divided by it
  int top_k = 0;                      ///< draw from the k most probable symbols only (Fan et al. 2018); 0: from all
  float top_p = 1;                    ///< draw from the fewest symbols that have at least this share, (0, 1], of the
                                      ///< probability of those that top_k leaves (Holtzman et al. 2020)
  float repetition_penalty = 1;       ///< divides the positive logits of the last 64 symbols, and multiplies the
                                      ///< negative ones (Keskar et al. 2019); (0, 100]
  std::uint64_t seed = 0;             ///< of the random draws
  Unknown unknown = Unknown::refuse;  ///< symbols of the prefix that are not in the vocabulary
};
std::vector<Option> describe(GenerateOptions& options);

/// Chooses the next symbol of a text: a pure function of logits, history, seed, stream and position.
class Sampler {
 public:
  /// Throws Error for an option outside its range.
  explicit Sampler(const GenerateOptions& options);

  /// The text whose next symbol is chosen.
  struct Text {
    std::uint64_t position = 0;                  ///< number of its symbols so far
    std::uint32_t stream = 0;                    ///< distinguishes texts that draw with one seed; < 2^24
    std::span<const std::int32_t> history = {};  ///< its last symbols, for repetition_penalty
  };
  /// Chooses a symbol for each row of logits [texts, V], which it overwrites. Throws Error(diverged) that names the
  /// position and the row if a logit is not finite; `chosen` then has -1 for such rows and symbols for all others.
  void choose(Context& context, const View& logits, std::span<const Text> texts, std::span<std::int32_t> chosen) const;

  /// Random number in [0, 1) for the next symbol of a text.
  double fraction(const Text& text) const;

 private:
  GenerateOptions options_;
};

/// A text that a model reads and continues, with the state after its symbols, without gradients. The last symbol is
/// read when the next one is needed. Takes the memory of its state, [L, H], twice that for the lstm, and less than 1
/// kB. A context serves many sessions on one thread; sessions on several threads need a context each. One that was
/// moved from may only be assigned to or destroyed.
class Session {
 public:
  static constexpr std::size_t history_size = 64;

  /// A text without symbols. The context must outlive the session. Throws Error for a context with another device than
  /// that of the model, and for another context if the cell is not built in.
  Session(PackedModel model, Context& context);

  /// Appends text. Each call reads it like a training text of its own: unit, line ends, byte order mark, valid UTF-8.
  /// Throws Error(bad_data) for unknown symbols, unless they are skipped.
  void feed(std::string_view text, Unknown unknown = Unknown::refuse);
  /// Appends a symbol. Throws Error for an index outside the vocabulary.
  void feed(std::int32_t id);
  void feed(char) = delete;  ///< would be an index

  /// Logits [1, V] of the next symbol. Throws Error for a text without symbols.
  Tensor logits();
  /// Continues the text; the new symbols as UTF-8. The first symbol of a text without symbols is drawn from the symbol
  /// frequencies of the corpus. `on_text` receives each new symbol as soon as it is generated; generation ends when it
  /// returns false. With a vocabulary of bytes it receives whole code points; bytes that are no UTF-8 and an incomplete
  /// code point at the end become U+FFFD (the model itself reads the bytes). Draws are keyed by (seed, position in the
  /// text). Throws Error for options out of range, and Error(diverged) if the logits are not finite.
  std::string generate(const GenerateOptions& options, const std::function<bool(std::string_view)>& on_text = {});

  const PackedModel& model() const { return model_; }
  std::uint64_t size() const { return size_; }                                                 ///< number of symbols
  std::span<const std::int32_t> history() const { return {history_.data(), history_count_}; }  ///< the last 64 symbols

  /// The session as bytes (docs/embedding.md): restored in this or another process, it continues with the same bits.
  std::string save() const;
  /// Throws Error(bad_data) for bytes that save() has not returned, or for another model.
  static Session restore(PackedModel model, Context& context, std::string_view saved);

 private:
  friend struct SessionBatch;
  void append(std::int32_t id);

  PackedModel model_;
  Context* context_;
  Tensor state_;  // [1 or 2, L, H]: h, then the lstm's c
  std::uint64_t size_ = 0;
  std::int32_t unread_ = -1;  // the last symbol, until the state has read it
  std::size_t history_count_ = 0;
  std::array<std::int32_t, history_size> history_{};
};

/// Appends ids[i] to the text of sessions[i], all in one batch, which takes far less time than one after the other and
/// gives the same bits. Throws Error for another number of ids, an index outside the vocabulary, sessions of several
/// models or contexts, and a session that occurs twice.
void feed(std::span<Session* const> sessions, std::span<const std::int32_t> ids);
/// Writes the logits [sessions, V] of the next symbols, computed in one batch. Throws Error like feed(), and for a text
/// without symbols or another shape.
void logits(std::span<Session* const> sessions, const View& result);

/// Continues `prefix` with a new session: the prefix as the model read it, followed by the new symbols. `on_text`
/// receives the prefix, then each new symbol.
std::string generate(const LanguageModel& model, std::string_view prefix, const GenerateOptions& options,
                     const std::function<bool(std::string_view)>& on_text = {});

/// Continues many prefixes in one batch. Draws are keyed by (seed, index of the text, position in it): text 0 equals
/// that of a single call, and no text depends on the others, unless one has logits that are not finite.
std::vector<std::string> generate(const LanguageModel& model, std::span<const std::string> prefixes,
                                  const GenerateOptions& options);
/// For {"a", "b"}: without this overload, two literals would be taken for the two pointers of a range of one string.
std::vector<std::string> generate(const LanguageModel& model, std::initializer_list<std::string> prefixes,
                                  const GenerateOptions& options);

}  // namespace unroll
