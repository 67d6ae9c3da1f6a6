#include <algorithm>
#include <utility>
#include <vector>

#include "io/utf8.h"
#include "language/prompt.h"
#include "language/session_batch.h"
#include "unroll/context.h"
#include "unroll/session.h"

namespace unroll {

std::vector<std::int32_t> prompt_ids(const PackedModel& model, std::string_view text, Unknown unknown) {
  if (text.empty()) return {};
  const Tokenizer& vocabulary = model.vocabulary();
  const Corpus read =
      Corpus::from_text(text, {.unit = vocabulary.unit(), .newlines = model.options().newlines}, "the prefix");
  return vocabulary.encode(read.text(0, read.size()), unknown);
}

namespace {

using Listener = std::function<bool(std::string_view)>;

/// Draws a symbol with its frequency in the corpus.
std::int32_t first_symbol(const Tokenizer& vocabulary, double fraction) {
  const bool counted = vocabulary.total() > 0;  // a vocabulary made by hand may have no counts
  const auto weight = [&](int id) { return counted ? static_cast<double>(vocabulary.count(id)) : 1.0; };
  const double wanted = fraction * (counted ? static_cast<double>(vocabulary.total()) : vocabulary.size());
  int id = 0;
  for (double sum = weight(0); sum <= wanted && id + 1 < vocabulary.size();) sum += weight(++id);
  return id;
}

/// The symbols of a text as UTF-8, passed on to a listener in whole code points.
class Output {
 public:
  Output(const Listener& listener, int length) : listener_(&listener) {
    constexpr int max_reserved = 1 << 16, max_symbol = 4;  // bytes of UTF-8
    text_.reserve(static_cast<std::size_t>(std::min(length, max_reserved)) * max_symbol);
  }

  bool refused() const { return refused_; }  ///< the listener has returned false
  std::string take() { return std::move(text_); }
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

 private:
  void pass_on(std::size_t begin) {
    if (begin == text_.size() || !*listener_) return;
    refused_ = !(*listener_)(std::string_view(text_).substr(begin)) || refused_;
  }

  const Listener* listener_;
  bool refused_ = false;
  Utf8Stream utf8_;
  std::string text_;
};

/// A text being continued: first symbols that are given, then those that are chosen.
class Continuation {
 public:
  Continuation(Session& session, std::vector<std::int32_t> given, int length, std::uint32_t stream,
               const Listener& listener)
      : session_(&session), given_(std::move(given)), remaining_(length), stream_(stream), output_(listener, length) {
    if (!given_.empty()) output_.show(vocabulary().decode(given_));
    if (!grows()) output_.end();
  }

  Session* session() const { return session_; }
  bool grows() const { return remaining_ > 0 && !output_.refused(); }
  bool has_given() const { return next_ < given_.size(); }
  std::int32_t take_given() { return given_[next_++]; }
  /// True if the next symbol depends on logits.
  bool chooses() const { return !has_given() && session_->size() > 0; }

  Sampler::Text text() const {
    return {.position = session_->size(), .stream = stream_, .history = session_->history()};
  }
  std::int32_t draw_first(const Sampler& sampler) const { return first_symbol(vocabulary(), sampler.fraction(text())); }

  /// A new symbol, not a given one.
  void show(std::int32_t id) {
    --remaining_;
    output_.show(vocabulary().text(id));
    if (!grows()) output_.end();
  }
  std::string take() { return output_.take(); }

 private:
  const Tokenizer& vocabulary() const { return session_->model().vocabulary(); }

  Session* session_;
  std::vector<std::int32_t> given_;
  std::size_t next_ = 0;
  int remaining_;
  std::uint32_t stream_;
  Output output_;
};

/// Continues texts, at least one, in one batch until all are complete.
class ContinuedBatch {
 public:
  ContinuedBatch(Context& context, const Sampler& sampler, std::span<Continuation> texts)
      : context_(context),
        sampler_(sampler),
        texts_(context),
        sessions_(context),
        choosing_(context),
        keys_(context),
        chosen_(context),
        next_(context),
        is_new_(context),
        logits_(memory_for_rows(context, texts.size(), texts.front().session()->model().vocabulary().size())) {
    for (Continuation& text : texts) texts_.push_back(&text);
  }

  void run() {
    const auto complete = [](const Continuation* text) { return !text->grows(); };
    for (std::erase_if(texts_, complete); !texts_.empty(); std::erase_if(texts_, complete)) step();
  }

 private:
  template <class T>
  using List = PooledVector<T>;

  void step() {
    sessions_.clear();
    choosing_.clear();
    keys_.clear();
    for (const Continuation* text : texts_) {
      sessions_.push_back(text->session());
      if (!text->chooses()) continue;
      choosing_.push_back(text->session());
      keys_.push_back(text->text());
    }
    const SessionBatch batch(sessions_);
    batch.read_unread();  // of all in one batch
    chosen_.assign(choosing_.size(), 0);
    if (!choosing_.empty()) {
      const View logits{logits_.data(), {std::ssize(choosing_), logits_.shape().columns()}};
      SessionBatch(choosing_).logits(Matrix(logits));
      sampler_.choose(context_, logits, keys_, chosen_);
    }
    next_.clear();
    is_new_.clear();
    auto choice = chosen_.begin();
    for (Continuation* text : texts_) {
      is_new_.push_back(text->has_given() ? 0 : 1);
      next_.push_back(text->has_given() ? text->take_given()
                      : text->chooses() ? *choice++
                                        : text->draw_first(sampler_));
    }
    batch.append(next_);
    for (std::size_t i = 0; i < texts_.size(); ++i) {
      if (is_new_[i] != 0) texts_[i]->show(next_[i]);
    }
  }

  Context& context_;
  const Sampler& sampler_;
  List<Continuation*> texts_;
  // Of the current step, as members so that their memory is used again.
  List<Session*> sessions_, choosing_;
  List<Sampler::Text> keys_;
  List<std::int32_t> chosen_, next_, is_new_;
  Tensor logits_;
};

}  // namespace

std::string Session::generate(const GenerateOptions& options, const Listener& on_text) {
  const Sampler sampler(options);
  Continuation text(*this, {}, options.length, 0, on_text);
  ContinuedBatch(*context_, sampler, {&text, 1}).run();
  return text.take();
}

std::string generate(const LanguageModel& model, std::string_view prefix, const GenerateOptions& options,
                     const Listener& on_text) {
  const Sampler sampler(options);
  Session session(model.pack(), model.context());
  Continuation text(session, prompt_ids(session.model(), prefix, options.unknown), options.length, 0, on_text);
  ContinuedBatch(model.context(), sampler, {&text, 1}).run();
  return text.take();
}

std::vector<std::string> generate(const LanguageModel& model, std::span<const std::string> prefixes,
                                  const GenerateOptions& options) {
  constexpr std::size_t max_batch = 256;  // a larger batch is no faster per text and needs more memory for logits
  const Sampler sampler(options);
  const PackedModel packed = model.pack();
  const Listener nobody;
  std::vector<std::vector<std::int32_t>> given;
  for (const std::string& prefix : prefixes) given.push_back(prompt_ids(packed, prefix, options.unknown));
  std::vector<std::string> results;
  for (std::size_t begin = 0; begin < prefixes.size(); begin += max_batch) {
    const std::size_t end = std::min(begin + max_batch, prefixes.size());
    std::vector<Session> sessions;
    std::vector<Continuation> texts;
    sessions.reserve(end - begin);
    for (std::size_t i = begin; i < end; ++i) {
      texts.emplace_back(sessions.emplace_back(packed, model.context()), std::move(given[i]), options.length,
                         static_cast<std::uint32_t>(i), nobody);
    }
    ContinuedBatch(model.context(), sampler, texts).run();
    for (Continuation& text : texts) results.push_back(text.take());
  }
  return results;
}

std::vector<std::string> generate(const LanguageModel& model, std::initializer_list<std::string> prefixes,
                                  const GenerateOptions& options) {
  return generate(model, std::span(prefixes.begin(), prefixes.size()), options);
}

}  // namespace unroll
