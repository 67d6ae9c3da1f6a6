#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "device/device.h"
#include "io/utf8.h"
#include "unroll/context.h"
#include "unroll/error.h"
#include "unroll/language_model.h"

namespace unroll {

std::vector<Option> describe(GenerateOptions& o) {
  using options::choice;
  using options::number;
  using options::seed;
  using options::whole_number;
  return {
      whole_number("length", o.length, 0, 2'000'000'000, "number of new symbols"),
      number("temperature", o.temperature, {}, "0: the most probable symbol; 1: draw as the model says; more: bolder"),
      seed(o.seed, "of the draws"), choice("unknown", o.unknown, "symbols of the prefix that the model does not know")};
}

namespace {

using Listener = std::function<bool(std::string_view)>;

/// Encodes the prefix, read like the training text: unit, line ends, byte order mark, valid UTF-8.
std::vector<std::int32_t> read_prefix(const LanguageModel& model, std::string_view prefix, Unknown unknown) {
  if (prefix.empty()) return {};
  const Tokenizer& vocabulary = model.vocabulary();
  const Corpus text =
      Corpus::from_text(prefix, {.unit = vocabulary.unit(), .newlines = model.options().newlines}, "the prefix");
  return vocabulary.encode(text.text(0, text.size()), unknown);
}

/// Random number in [0, 1) for a position in a text; independent of earlier draws.
double fraction_of(const Random& random, std::uint64_t position) { return random.bits(position) * 0x1p-32; }

/// Draws a symbol with its frequency in the corpus.
std::int32_t first_symbol(const Tokenizer& vocabulary, double fraction) {
  const bool counted = vocabulary.total() > 0;  // a vocabulary made by hand may have no counts
  const auto weight = [&](int id) { return counted ? static_cast<double>(vocabulary.count(id)) : 1.0; };
  const double wanted = fraction * (counted ? static_cast<double>(vocabulary.total()) : vocabulary.size());
  int id = 0;
  for (double sum = weight(0); sum <= wanted && id + 1 < vocabulary.size();) sum += weight(++id);
  return id;
}

/// A text being generated: its prefix, then the symbols that the model chooses.
class Text {
 public:
  Text(const LanguageModel& model, std::string_view prefix, std::uint32_t index, const GenerateOptions& options,
       const Listener& listener)
      : vocabulary_(&model.vocabulary()),
        index_(index),
        read_(read_prefix(model, prefix, options.unknown)),
        remaining_(options.length),
        random_(options.seed, RandomStream::generation, index),
        listener_(&listener) {
    constexpr int max_reserved = 1 << 16, max_symbol = 4;  // bytes of UTF-8
    if (!read_.empty()) show(vocabulary_->decode(read_));
    text_.reserve(text_.size() + static_cast<std::size_t>(std::min(remaining_, max_reserved)) * max_symbol);
    if (!grows()) {
      end();
    } else if (read_.empty()) {
      append(first_symbol(*vocabulary_, fraction()));
    }
  }

  std::uint32_t index() const { return index_; }
  std::size_t prefix_size() const { return read_.size(); }
  bool grows() const { return remaining_ > 0; }
  std::string take() { return std::move(text_); }

  /// The symbol that the model reads at `step`.
  std::int32_t symbol(std::size_t step) const { return step < read_.size() ? read_[step] : last_; }
  /// True if the model chooses the next symbol after `step`.
  bool chooses(std::size_t step) const { return step + 1 >= read_.size(); }

  std::uint64_t position() const { return read_.size() + static_cast<std::uint64_t>(appended_); }
  double fraction() const { return fraction_of(random_, position()); }

  void append(std::int32_t id) {
    last_ = id;
    ++appended_;
    --remaining_;
    show(vocabulary_->text(id));
    if (!grows()) end();
  }

 private:
  /// Passes on the code points that the bytes of a token complete.
  void show(std::string_view bytes) {
    const std::size_t shown = text_.size();
    utf8_.add(bytes, text_);
    pass_on(shown);
  }
  void end() {
    const std::size_t shown = text_.size();
    if (!refused_) utf8_.finish(text_);
    pass_on(shown);
  }
  void pass_on(std::size_t begin) {
    if (begin == text_.size() || !*listener_ || (*listener_)(std::string_view(text_).substr(begin))) return;
    refused_ = true;
    remaining_ = 0;
  }

  const Tokenizer* vocabulary_;
  std::uint32_t index_;
  std::vector<std::int32_t> read_;
  int remaining_, appended_ = 0;
  std::int32_t last_ = 0;
  Random random_;
  const Listener* listener_;
  bool refused_ = false;  // the listener has returned false
  Utf8Stream utf8_;
  std::string text_;
};

void check(const LanguageModel& model, GenerateOptions options) {
  if (model.options().bidirectional) {
    throw Error("a bidirectional model cannot continue a text: it sees the future; train one without");
  }
  check_values(describe(options));
}

/// Generates all texts in one batch, ordered by descending prefix length. Texts with the shortest prefixes are complete
/// first, so the incomplete texts are the first ones; of these, the ones that have reached the end of their prefix are
/// the last.
void grow(const LanguageModel& model, std::span<Text> texts, float temperature) {
  std::size_t growing = texts.size();
  const auto drop_complete = [&] {
    while (growing > 0 && !texts[growing - 1].grows()) --growing;
  };
  drop_complete();
  if (growing == 0) return;
  Predictor predictor(model, static_cast<int>(growing));
  std::vector<std::int32_t> ids(growing);
  std::vector<double> fractions(growing);
  for (std::size_t step = 0; growing > 0; ++step, drop_complete()) {
    for (std::size_t i = 0; i < growing; ++i) ids[i] = texts[i].symbol(step);
    predictor.feed({ids.data(), growing});
    std::size_t first = growing;
    while (first > 0 && texts[first - 1].chooses(step)) --first;
    if (first == growing) continue;
    const std::size_t count = growing - first;
    for (std::size_t i = 0; i < count; ++i) fractions[i] = texts[first + i].fraction();
    const Matrix logits(predictor.logits(static_cast<int>(first), static_cast<int>(count)));
    device_of(model.context()).choose(model.context(), logits, temperature, {fractions.data(), count}, ids);
    for (std::size_t i = 0; i < count; ++i) {
      Text& text = texts[first + i];
      if (ids[i] < 0) {
        throw Error(ExitCode::diverged,
                    fmt::format("the model's logits at position {} are not finite: its training has "
                                "diverged; train again with a lower learning rate or with clipping",
                                text.position()));
      }
      text.append(ids[i]);
    }
  }
}

}  // namespace

std::string generate(const LanguageModel& model, std::string_view prefix, const GenerateOptions& options,
                     const std::function<bool(std::string_view)>& on_text) {
  check(model, options);
  Text text(model, prefix, 0, options, on_text);
  grow(model, {&text, 1}, options.temperature);
  return text.take();
}

std::vector<std::string> generate(const LanguageModel& model, std::span<const std::string> prefixes,
                                  const GenerateOptions& options) {
  check(model, options);
  const Listener nobody;
  std::vector<Text> texts;
  for (const std::string& prefix : prefixes) {
    texts.emplace_back(model, prefix, static_cast<std::uint32_t>(texts.size()), options, nobody);
  }
  std::sort(texts.begin(), texts.end(), [](const Text& a, const Text& b) {
    return std::pair(b.prefix_size(), a.index()) < std::pair(a.prefix_size(), b.index());
  });
  constexpr std::size_t max_batch = 256;  // a larger batch is no faster per text and needs more memory for logits
  for (std::size_t at = 0; at < texts.size(); at += max_batch) {
    grow(model, std::span(texts).subspan(at, std::min(max_batch, texts.size() - at)), options.temperature);
  }
  std::vector<std::string> results(texts.size());
  for (Text& text : texts) results[text.index()] = text.take();
  return results;
}

}  // namespace unroll
