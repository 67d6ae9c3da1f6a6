#include "unroll/corpus.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "io/text_source.h"
#include "text/missing_symbols.h"
#include "text/token_table.h"
#include "text/units.h"
#include "unroll/error.h"
#include "unroll/options.h"

namespace unroll {
namespace {

void check(const CorpusOptions& options) {
  if (options.limit < 0) throw Error(fmt::format("limit {} must be 0 (all) or more symbols", options.limit));
  if (options.unit == TokenUnit::byte && options.newlines == Newlines::space) {
    throw OptionError(
        fmt::format("{} space needs characters or words: a text in bytes is read as it is", option_name("newlines")));
  }
}

/// Maximum number of bytes of a file that the first options.limit tokens depend on.
std::uint64_t max_bytes_read(const CorpusOptions& options) {
  if (options.limit == 0 || options.limit >= (std::int64_t{1} << 54)) return no_limit;
  const auto tokens = static_cast<std::uint64_t>(options.limit);
  constexpr std::uint64_t mark = 3, character = 4, apostrophe_and_letter = 7;
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

std::string read_text(const std::string& source, const CorpusOptions& options) {
  check(options);
  return read_source(source, {.plain = max_bytes_read(options),
                              .content = options.unit == TokenUnit::byte ? Content::bytes : Content::text});
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

Corpus::Corpus(Tokenizer vocabulary, std::vector<std::int32_t> ids, std::int64_t skipped)
    : vocabulary_(std::move(vocabulary)),
      memory_(std::make_shared<const std::vector<std::int32_t>>(std::move(ids))),
      ids_(*memory_),
      skipped_(skipped) {}

Corpus Corpus::from_text(std::string_view text, const CorpusOptions& options, const std::string& name) {
  check(options);
  TokenCounts counts;  // divided twice, so that memory holds no more than the text and its indices
  for_each_token_read(text, name, options, [&](auto token) { counts.add(token); });
  Tokenizer vocabulary = counts.tokenizer(options.unit, name);
  Indexed indexed = indices_of(text, name, options, vocabulary, Unknown::refuse, vocabulary.total());
  return Corpus(std::move(vocabulary), std::move(indexed.ids), 0);
}

Corpus Corpus::read(const std::string& source, const CorpusOptions& options) {
  return from_text(read_text(source, options), options, source_name(source));
}

Corpus Corpus::read(const std::string& source, const CorpusOptions& asked, const Tokenizer& vocabulary,
                    Unknown unknown) {
  CorpusOptions options = asked;
  options.unit = vocabulary.unit();
  const std::string text = read_text(source, options);
  const std::string name = source_name(source);
  std::int64_t count = 0;
  for_each_token_read(text, name, options, [&](auto) { ++count; });
  Indexed indexed = indices_of(text, name, options, vocabulary, unknown, count);
  return Corpus(vocabulary, std::move(indexed.ids), indexed.missing);
}

Corpus Corpus::from_ids(std::vector<std::int32_t> ids, Tokenizer vocabulary) {
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= vocabulary.size()) {
      throw Error(fmt::format("from_ids: index {} is outside the vocabulary, 0 to {}", id, vocabulary.size() - 1));
    }
  }
  return Corpus(std::move(vocabulary), std::move(ids), 0);
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
  return Corpus(vocabulary, std::move(ids), skipped_);
}

Corpus Corpus::part(std::size_t begin, std::size_t end) const {
  Corpus part = *this;
  part.ids_ = ids_.subspan(begin, end - begin);
  part.skipped_ = 0;
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
