#include "unroll/corpus.h"

#include <fmt/format.h>

#include <utility>

#include "io/text_source.h"
#include "text/code_points.h"
#include "text/missing_symbols.h"
#include "text/symbol_counts.h"
#include "unroll/error.h"

namespace unroll {
namespace {

void check(const CorpusOptions& options) {
  if (options.limit < 0) throw Error(fmt::format("limit {} must be 0 (all) or more symbols", options.limit));
}

std::string read_text(const std::string& source, const CorpusOptions& options) {
  check(options);
  SourceLimits limits;
  constexpr std::int64_t mark_size = 3, symbol_size = 4;  // maximum bytes of a byte order mark and of a symbol
  if (options.limit > 0 && options.limit < (std::int64_t{1} << 60)) {
    limits.plain = static_cast<std::uint64_t>(mark_size + symbol_size * options.limit);
  }
  return read_source(source, limits);
}

[[noreturn]] void refuse_empty(const std::string& name) {
  throw Error(ExitCode::bad_data, fmt::format("{}: holds no symbol; a corpus needs text", name));
}

struct Indexed {
  std::vector<std::int32_t> ids;
  std::int64_t missing = 0;
};

Indexed indices_of(std::string_view text, const std::string& name, const CorpusOptions& options,
                   const Vocabulary& vocabulary, Unknown unknown, std::int64_t expected) {
  Indexed result;
  result.ids.reserve(static_cast<std::size_t>(expected));
  MissingSymbols missing;
  for_each_symbol(text, name, options, [&](char32_t symbol) {
    if (const int id = vocabulary.find(symbol); id >= 0) {
      result.ids.push_back(id);
    } else {
      missing.add(symbol);
    }
  });
  if (unknown == Unknown::refuse) missing.refuse(name);
  if (result.ids.empty()) refuse_empty(name);
  result.missing = missing.count();
  return result;
}

}  // namespace

Corpus Corpus::from_text(std::string_view text, const CorpusOptions& options, const std::string& name) {
  check(options);
  SymbolCounts counts;  // decoded twice, so that memory holds no more than the text and its indices
  for_each_symbol(text, name, options, [&](char32_t symbol) { ++counts[symbol]; });
  Vocabulary vocabulary = vocabulary_of(counts);
  Indexed indexed = indices_of(text, name, options, vocabulary, Unknown::refuse, vocabulary.total());
  return Corpus(std::move(vocabulary), std::move(indexed.ids), 0);
}

Corpus Corpus::read(const std::string& source, const CorpusOptions& options) {
  return from_text(read_text(source, options), options, source_name(source));
}

Corpus Corpus::read(const std::string& source, const CorpusOptions& options, const Vocabulary& vocabulary,
                    Unknown unknown) {
  const std::string text = read_text(source, options);
  const std::string name = source_name(source);
  std::int64_t count = 0;
  for_each_symbol(text, name, options, [&](char32_t) { ++count; });
  Indexed indexed = indices_of(text, name, options, vocabulary, unknown, count);
  return Corpus(vocabulary, std::move(indexed.ids), indexed.missing);
}

Corpus Corpus::from_ids(std::vector<std::int32_t> ids, Vocabulary vocabulary) {
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
  return decode(vocabulary_, ids().subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
}

}  // namespace unroll
