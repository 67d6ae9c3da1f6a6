#include "unroll/corpus.h"

#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <optional>
#include <utility>

#include "io/encoding_guess.h"
#include "io/text_source.h"
#include "text/code_points.h"
#include "text/missing_symbols.h"
#include "text/token_table.h"
#include "text/units.h"
#include "unroll/error.h"
#include "unroll/format.h"
#include "unroll/options.h"

namespace unroll {
namespace {

void check(const CorpusOptions& options) {
  if (options.limit < 0) throw Error(fmt::format("limit {} must be 0 (all) or more symbols", options.limit));
  if (options.unit == TokenUnit::byte && options.newlines == Newlines::space) {
    throw OptionError(
        fmt::format("{} space needs characters or words: a text in bytes is read as it is", option_name("newlines")));
  }
  if (options.unit == TokenUnit::byte && !options.encoding.empty()) {
    throw OptionError(fmt::format("{} {} needs characters or words: a text in bytes is read as it is",
                                  option_name("encoding"), options.encoding));
  }
}

/// Maximum number of bytes of a file that the first options.limit tokens depend on.
std::uint64_t max_bytes_read(const CorpusOptions& options) {
  if (options.limit == 0 || options.limit >= (std::int64_t{1} << 54)) return no_limit;
  const auto tokens = static_cast<std::uint64_t>(options.limit);
  // A line end of two bytes may be followed by byte order marks; files have no more than two of them there.
  constexpr std::uint64_t mark = 3, character = 2 + 2 * mark, apostrophe_and_letter = 7;
  switch (options.unit) {
    case TokenUnit::character:
      return mark + character * tokens;
    case TokenUnit::byte:
      return tokens;
    case TokenUnit::word:
      break;
  }
  return mark + Tokenizer::max_token_bytes * tokens + apostrophe_and_letter;
}

SourceText read_text(const std::string& source, const CorpusOptions& options) {
  check(options);
  return read_source(
      source,
      {.plain = max_bytes_read(options), .content = options.unit == TokenUnit::byte ? Content::bytes : Content::text},
      options.encoding);
}

/// Calls make(text). Where the text is not one, the message says which encoding it probably has, and `more`.
template <class Make>
auto with_advice(const SourceText& file, const std::string& name, const std::string& more, const Make& make) {
  try {
    return make(std::string_view(file.text));
  } catch (const InvalidText& error) {
    if (file.fault) std::rethrow_exception(file.fault);
    refuse_bytes(name, file.text, error.offset(), 0, 1, more);
  }
}

void note_marks(const SkippedMarks& marks, std::string_view text, std::vector<std::string>& notes) {
  if (marks.count == 0) return;
  notes.push_back(fmt::format("{}, first in line {}: at the beginning of a line, as in joined files, and skipped",
                              counted(marks.count, "byte order mark"),
                              1 + count_line_ends(text.substr(0, marks.first))));
}

[[noreturn]] void refuse_empty(const std::string& name) {
  throw Error(ExitCode::bad_data, fmt::format("{}: holds no symbol; a corpus needs text", name));
}

struct Indexed {
  std::vector<std::int32_t> ids;
  std::int64_t missing = 0;
};

Indexed indices_of(std::string_view text, const std::string& name, const CorpusOptions& options,
                   const Tokenizer& vocabulary, Unknown unknown, std::int64_t expected) {
  Indexed result;
  result.ids.reserve(static_cast<std::size_t>(expected));
  MissingSymbols missing(options.unit);
  const TokenTable& table = table_of(vocabulary);
  for_each_token_read(text, name, options, [&](auto token) {
    if (const int id = table.find(token); id >= 0) {
      result.ids.push_back(id);
    } else {
      missing.add(bytes_of(options.unit, token));
    }
  });
  if (unknown == Unknown::refuse) missing.refuse(name);
  if (result.ids.empty()) refuse_empty(name);
  result.missing = missing.count();
  return result;
}

}  // namespace

Corpus::Corpus(Tokenizer vocabulary, std::vector<std::int32_t> ids, std::int64_t skipped,
               std::vector<std::string> notes)
    : vocabulary_(std::move(vocabulary)),
      memory_(std::make_shared<const std::vector<std::int32_t>>(std::move(ids))),
      ids_(*memory_),
      skipped_(skipped),
      notes_(std::move(notes)) {}

Corpus Corpus::from_utf8(std::string_view text, const CorpusOptions& options, const std::string& name,
                         std::vector<std::string> notes) {
  TokenCounts counts;  // divided twice, so that memory holds no more than the text and its indices
  const SkippedMarks marks = for_each_token_read(text, name, options, [&](auto token) { counts.add(token); });
  note_marks(marks, text, notes);
  Tokenizer vocabulary = counts.tokenizer(options.unit, name);
  Indexed indexed = indices_of(text, name, options, vocabulary, Unknown::refuse, vocabulary.total());
  return Corpus(std::move(vocabulary), std::move(indexed.ids), 0, std::move(notes));
}

Corpus Corpus::from_text(std::string_view text, const CorpusOptions& options, const std::string& name) {
  check(options);
  const auto other =
      options.unit == TokenUnit::byte ? std::nullopt : decoded(text, options.encoding, name, max_bytes_read(options));
  if (!other) return from_utf8(text, options, name, {});
  return with_advice(*other, name, "",
                     [&](std::string_view utf8) { return from_utf8(utf8, options, name, other->notes); });
}

Corpus Corpus::read(const std::string& source, const CorpusOptions& options) {
  const SourceText file = read_text(source, options);
  const std::string name = source_name(source);
  const std::string bytes = fmt::format("; {} byte takes any bytes", option_name("unit"));
  return with_advice(file, name, bytes,
                     [&](std::string_view text) { return from_utf8(text, options, name, file.notes); });
}

Corpus Corpus::read(const std::string& source, const CorpusOptions& asked, const Tokenizer& vocabulary,
                    Unknown unknown) {
  CorpusOptions options = asked;
  options.unit = vocabulary.unit();
  const SourceText file = read_text(source, options);
  const std::string name = source_name(source);
  return with_advice(file, name, "", [&](std::string_view text) {
    std::int64_t count = 0;
    const SkippedMarks marks = for_each_token_read(text, name, options, [&](auto) { ++count; });
    std::vector<std::string> notes = file.notes;
    note_marks(marks, text, notes);
    Indexed indexed = indices_of(text, name, options, vocabulary, unknown, count);
    return Corpus(vocabulary, std::move(indexed.ids), indexed.missing, std::move(notes));
  });
}

Corpus Corpus::from_ids(std::vector<std::int32_t> ids, Tokenizer vocabulary) {
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= vocabulary.size()) {
      throw Error(fmt::format("from_ids: index {} is outside the vocabulary, 0 to {}", id, vocabulary.size() - 1));
    }
  }
  return Corpus(std::move(vocabulary), std::move(ids), 0, {});
}

std::string Corpus::text(std::int64_t begin, std::int64_t count) const {
  if (begin < 0 || count < 0 || begin > size() || count > size() - begin) {
    throw Error(fmt::format("text: {} symbols from {} on are not in a corpus of {}", count, begin, size()));
  }
  return vocabulary_.decode(ids().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
}

Corpus Corpus::renumbered(const Tokenizer& vocabulary) const {
  std::vector<std::int32_t> other;
  other.reserve(static_cast<std::size_t>(vocabulary_.size()));
  for (int id = 0; id < vocabulary_.size(); ++id) other.push_back(vocabulary.find(vocabulary_.text(id)));
  std::vector<std::int32_t> ids;
  ids.reserve(ids_.size());
  for (const std::int32_t id : ids_) {
    ids.push_back(other[static_cast<std::size_t>(id)]);
    if (ids.back() >= 0) continue;
    throw Error(fmt::format("renumbered: the other vocabulary lacks {}", vocabulary_.described(id)));
  }
  return Corpus(vocabulary, std::move(ids), skipped_, notes_);
}

Corpus Corpus::part(std::size_t begin, std::size_t end) const {
  Corpus part = *this;
  part.ids_ = ids_.subspan(begin, end - begin);
  part.skipped_ = 0;
  if (begin > 0) part.notes_.clear();  // those of the whole text are with its beginning
  return part;
}

CorpusParts Corpus::split(double share) const {
  if (!(share > 0 && share < 1)) throw Error(fmt::format("split: the share {} must be above 0 and below 1", share));
  const auto scored = static_cast<std::size_t>(std::floor(share * static_cast<double>(ids_.size())));
  const std::size_t end = ids_.size() - scored;
  if (scored == 0 || end == 0) return {.training = *this, .validation = part(0, 0)};
  return {.training = part(0, end), .validation = part(end - 1, ids_.size())};
}

}  // namespace unroll
