#include "language/run_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string_view>

#include "base/atomic_file.h"
#include "io/encoding_guess.h"
#include "io/file.h"
#include "io/utf8.h"
#include "unroll/error.h"
#include "unroll/format.h"

namespace unroll {

std::optional<double> share_of(const std::string& validation) {
  double share = 0;
  const auto [end, error] = std::from_chars(validation.data(), validation.data() + validation.size(), share);
  if (error != std::errc() || end != validation.data() + validation.size()) return std::nullopt;
  if (share > 0 && share < 1) return share;
  throw OptionError(fmt::format("{} '{}': must be a share above 0 and below 1, or a file (./{} for one of that name)",
                                option_name("validation"), validation, validation));
}

namespace {

Corpus in_vocabulary_of_run(const Corpus& text, const Tokenizer& vocabulary) {
  try {
    if (text.vocabulary().unit() == vocabulary.unit()) return text.renumbered(vocabulary);
  } catch (const Error&) {
    // It has a symbol that the vocabulary lacks.
  }
  throw Error(ExitCode::bad_data, "the text in memory is not the one that the run was begun with");
}

Corpus read_corpus(const std::string& file, const CorpusOptions& options, const VocabularySource& vocabulary) {
  if (vocabulary.exactly != nullptr) {
    Corpus corpus = Corpus::read(file, options, *vocabulary.exactly, Unknown::skip);
    if (corpus.skipped() == 0) return corpus;
    throw Error(ExitCode::bad_data,
                fmt::format("{}: is not the text that the run was begun with: {} of it were not in that", file,
                            counted(corpus.skipped(), "symbol")));
  }
  Corpus corpus = Corpus::read(file, options);
  if (vocabulary.begins_with == nullptr) return corpus;
  return corpus.renumbered(vocabulary.begins_with->extended_by(corpus.vocabulary()));
}

/// Calls read(), which reads a text in the encoding that holds for the file `other` too; empty: for no other.
template <class Read>
auto with_one_encoding(const std::string& other, const Read& read) {
  try {
    return read();
  } catch (const EncodingError& error) {
    if (other.empty()) throw;
    throw EncodingError(fmt::format("{}; {} holds for {} too: if the two differ, convert one of them with iconv",
                                    error.what(), option_name("encoding"), other));
  }
}

void check_length(const LanguageRunOptions& o, std::span<const std::int32_t> held_out) {
  const std::int64_t scored = std::max<std::int64_t>(static_cast<std::int64_t>(held_out.size()) - 1, 0);
  if (scored >= o.task.window) return;
  throw Error(ExitCode::bad_data,
              fmt::format("{} {}: {} to score are less than a window of {}: hold out more, or lower {}",
                          option_name("validation"), o.validation, counted(scored, "symbol"), o.task.window,
                          option_name("steps")));
}

}  // namespace

TrainingTexts read_texts(const LanguageRunOptions& o, const std::string& file, const VocabularySource& vocabulary,
                         std::optional<Corpus> text) {
  const std::string validation = option_name("validation");
  const std::optional<double> share = o.validation.empty() ? std::nullopt : share_of(o.validation);
  if (o.unknown == Unknown::skip && share) {
    throw Error(fmt::format("{} skip belongs to {} FILE: a part of the text has no symbols that the text lacks",
                            option_name("unknown"), validation));
  }
  if (!o.validation.empty() && !share && !can_be_read_again(o.validation)) {
    throw Error(fmt::format("{} {}: {} can be read once, and a resumed run reads it again; name a file", validation,
                            o.validation, o.validation == "-" ? "standard input" : "it"));
  }
  TrainingTexts texts;
  std::string other;  // than the validation file, in the same encoding
  if (text && vocabulary.exactly != nullptr) {
    texts.training = in_vocabulary_of_run(*text, *vocabulary.exactly);
  } else if (text && vocabulary.begins_with != nullptr) {
    texts.training = text->renumbered(vocabulary.begins_with->extended_by(text->vocabulary()));
  } else if (text) {
    texts.training = std::move(*text);
  } else {
    texts.source = source_name(o.text);
    const bool is_copy = file != o.text;  // the copy in the run directory is UTF-8
    const CorpusOptions reading = {.unit = o.unit,
                                   .newlines = o.model.newlines,
                                   .limit = o.limit,
                                   .encoding = is_copy ? std::string() : o.encoding};
    if (!is_copy) other = texts.source;
    texts.training =
        with_one_encoding(is_copy || share ? "" : o.validation, [&] { return read_corpus(file, reading, vocabulary); });
  }
  if (o.validation.empty()) return texts;
  if (share) {
    CorpusParts parts = texts.training.split(*share);
    texts.training = std::move(parts.training);
    texts.validation = std::move(parts.validation);
    texts.validation_is_tail = texts.validation.size() > 0;
  } else {
    const CorpusOptions reading = {.newlines = o.model.newlines, .encoding = o.encoding};
    texts.validation = with_one_encoding(
        other, [&] { return Corpus::read(o.validation, reading, texts.training.vocabulary(), o.unknown); });
    if (std::ranges::equal(texts.validation.ids(), texts.training.ids())) {
      texts.warnings.push_back(
          fmt::format("{} is the text that is trained on: its perplexity says nothing of other texts", o.validation));
    }
  }
  check_length(o, texts.validation.ids());
  return texts;
}

void require_readable_copy(const Corpus& text) {
  const std::string copy = text.text(0, text.size());
  const bool is_bytes = text.vocabulary().unit() == TokenUnit::byte;
  const bool has_returns = !is_bytes && copy.find('\r') != std::string::npos;
  const std::string mark(utf8_mark);
  const bool has_marks = !is_bytes && (copy.starts_with(mark) || copy.find("\n" + mark) != std::string::npos ||
                                       copy.find('\0') != std::string::npos);
  if (!has_returns && !has_marks && std::ranges::equal(text.vocabulary().encode(copy, Unknown::skip), text.ids()))
    return;
  throw Error(
      ExitCode::bad_data,
      fmt::format(
          "the text in memory would not have the same symbols if it were read from a file, as a resumed run does: "
          "{}",
          has_returns ? "its line ends are not LF"
          : has_marks ? "it has NUL, or byte order marks at the beginning of lines"
                      : "its symbols join to others"));
}

void keep_text(const TrainingTexts& texts, const std::string& path) {
  constexpr std::size_t piece = 1 << 16;  // symbols
  write_file_atomically(path, [&](const WritePiece& write) {
    const auto write_text = [&](std::span<const std::int32_t> ids) {
      for (; !ids.empty(); ids = ids.subspan(std::min(piece, ids.size()))) {
        write(texts.training.vocabulary().decode(ids.first(std::min(piece, ids.size()))));
      }
    };
    write_text(texts.training.ids());
    if (texts.validation_is_tail) write_text(texts.validation.ids().subspan(1));
  });
}

}  // namespace unroll
