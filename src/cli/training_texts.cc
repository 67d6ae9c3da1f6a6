#include "cli/training_texts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <span>
#include <string_view>

#include "base/atomic_file.h"
#include "cli/format.h"
#include "cli/output.h"
#include "text/code_points.h"
#include "unroll/error.h"

namespace unroll::cli {

std::optional<double> share_of(const std::string& validation) {
  double share = 0;
  const auto [end, error] = std::from_chars(validation.data(), validation.data() + validation.size(), share);
  if (error != std::errc() || end != validation.data() + validation.size()) return std::nullopt;
  if (share > 0 && share < 1) return share;
  throw Error(
      fmt::format("--validation '{}': must be a share above 0 and below 1, or a file (./{} for one of that name); "
                  "see unroll train --help",
                  validation, validation));
}

namespace {

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
  const Vocabulary whole = vocabulary.begins_with->extended_by(corpus.vocabulary());
  std::vector<std::int32_t> ids(corpus.ids().begin(), corpus.ids().end());
  for (std::int32_t& id : ids) id = whole.find(corpus.vocabulary().symbol(id));
  return Corpus::from_ids(std::move(ids), whole);
}

/// Splits off the end of the text for validation. The symbol before it is a training target and the first input here.
void split(TrainingTexts& texts, double share) {
  const std::span<const std::int32_t> ids = texts.training.ids();
  const auto scored = static_cast<std::size_t>(std::floor(share * static_cast<double>(ids.size())));
  if (scored == 0) return;
  const auto first = ids.begin() + static_cast<std::ptrdiff_t>(ids.size() - scored);
  if (first == ids.begin()) return;
  texts.held_out.assign(first - 1, ids.end());
  texts.validation_is_tail = true;
  texts.training = Corpus::from_ids({ids.begin(), first}, texts.training.vocabulary());
}

void check_length(const TrainOptions& o, const std::vector<std::int32_t>& held_out) {
  const std::int64_t scored = std::max<std::int64_t>(static_cast<std::int64_t>(held_out.size()) - 1, 0);
  if (scored >= o.task.window) return;
  throw Error(ExitCode::bad_data,
              fmt::format("--validation {}: {} to score are less than a window of {}: hold out more, or lower --steps",
                          o.validation, counted(scored, "symbol"), o.task.window));
}

}  // namespace

TrainingTexts read_texts(const TrainOptions& o, const std::string& file, const VocabularySource& vocabulary) {
  const std::optional<double> share = o.validation.empty() ? std::nullopt : share_of(o.validation);
  if (o.unknown == Unknown::skip && share) {
    throw Error("--unknown skip belongs to --validation FILE: a part of the text has no symbols that the text lacks");
  }
  if (o.validation == "-") throw Error("--validation -: standard input can be read once; name a file");
  TrainingTexts texts;
  texts.training = read_corpus(file, {.newlines = o.newlines, .limit = o.limit}, vocabulary);
  if (o.validation.empty()) return texts;
  if (share) {
    split(texts, *share);
  } else {
    const Corpus other = Corpus::read(o.validation, {.newlines = o.newlines}, texts.training.vocabulary(), o.unknown);
    texts.held_out.assign(other.ids().begin(), other.ids().end());
    texts.skipped = other.skipped();
    if (std::ranges::equal(texts.held_out, texts.training.ids())) {
      log_message(fmt::format("warning   {} is the text that is trained on: its perplexity says nothing of other texts",
                              o.validation));
    }
  }
  check_length(o, texts.held_out);
  return texts;
}

std::string validation_description(const TrainOptions& o, const TrainingTexts& texts) {
  const auto share = share_of(o.validation);
  const std::string what = share ? fmt::format("the last {:.4g} % of the text", 100 * *share) : one_line(o.validation);
  const std::string length = counted(static_cast<std::int64_t>(texts.held_out.size()) - 1, "symbol");
  const std::string skipped =
      texts.skipped > 0 ? fmt::format(", {} skipped that the text lacks", with_commas(texts.skipped)) : "";
  return fmt::format("{}: {}{}", what, length, skipped);
}

void keep_text(const TrainingTexts& texts, const std::string& path) {
  // Reading skips a byte order mark, so a text that starts with the same symbol needs one in front of it.
  constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
  constexpr std::size_t piece = 1 << 16;  // symbols
  write_file_atomically(path, [&](const WritePiece& write) {
    write(byte_order_mark);
    const auto write_text = [&](std::span<const std::int32_t> ids) {
      for (; !ids.empty(); ids = ids.subspan(std::min(piece, ids.size()))) {
        write(decode(texts.training.vocabulary(), ids.first(std::min(piece, ids.size()))));
      }
    };
    write_text(texts.training.ids());
    if (texts.validation_is_tail) write_text(std::span(texts.held_out).subspan(1));
  });
}

}  // namespace unroll::cli
