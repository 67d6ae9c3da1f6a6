#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "io/in_quotes.h"
#include "text/code_points.h"
#include "text/missing_symbols.h"
#include "text/symbol_counts.h"
#include "unroll/corpus.h"
#include "unroll/error.h"

namespace unroll {
namespace {

bool is_code_point(char32_t symbol) { return symbol < 0xd800 || (symbol > 0xdfff && symbol <= 0x10ffff); }

[[noreturn]] void refuse(const std::string& reason) {
  throw Error(ExitCode::bad_data, fmt::format("vocabulary: {}; the model file is damaged", reason));
}

}  // namespace

Vocabulary vocabulary_of(const SymbolCounts& counts) {
  if (counts.empty()) return {};
  std::vector<std::pair<char32_t, std::int64_t>> order(counts.begin(), counts.end());
  std::sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::vector<char32_t> symbols;
  std::vector<std::int64_t> numbers;
  for (const auto& [symbol, count] : order) {
    symbols.push_back(symbol);
    numbers.push_back(count);
  }
  return Vocabulary::from(std::move(symbols), std::move(numbers));
}

Vocabulary Vocabulary::of(std::u32string_view text) {
  SymbolCounts counts;
  for (const char32_t symbol : text) ++counts[symbol];
  return vocabulary_of(counts);
}

Vocabulary Vocabulary::from(std::vector<char32_t> symbols, std::vector<std::int64_t> counts) {
  if (symbols.empty()) refuse("no symbols");
  if (counts.size() != symbols.size()) refuse(fmt::format("{} symbols but {} counts", symbols.size(), counts.size()));
  Vocabulary vocabulary;
  vocabulary.index_.reserve(symbols.size());
  for (std::size_t id = 0; id < symbols.size(); ++id) {
    if (!is_code_point(symbols[id])) refuse(fmt::format("symbol {} is no code point", id));
    if (!vocabulary.index_.emplace(symbols[id], static_cast<std::int32_t>(id)).second) {
      refuse(fmt::format("symbol {} {} is there twice", id, described(symbols[id])));
    }
    if (counts[id] < 0 || counts[id] > std::numeric_limits<std::int64_t>::max() - vocabulary.total_) {
      refuse(fmt::format("symbol {} has the count {}", id, counts[id]));
    }
    vocabulary.total_ += counts[id];
  }
  vocabulary.symbols_ = std::move(symbols);
  vocabulary.counts_ = std::move(counts);
  return vocabulary;
}

int Vocabulary::find(char32_t symbol) const {
  const auto place = index_.find(symbol);
  return place == index_.end() ? -1 : place->second;
}

Vocabulary Vocabulary::extended_by(const Vocabulary& text) const {
  std::vector<char32_t> symbols = symbols_;
  for (const char32_t symbol : text.symbols_) {
    if (find(symbol) < 0) symbols.push_back(symbol);
  }
  std::vector<std::int64_t> counts;
  for (const char32_t symbol : symbols) {
    const int id = text.find(symbol);
    counts.push_back(id < 0 ? 0 : text.count(id));
  }
  return from(std::move(symbols), std::move(counts));
}

std::string Vocabulary::text(int id) const { return utf8_of(symbol(id)); }

std::vector<std::int32_t> encode(const Vocabulary& vocabulary, std::string_view text, Unknown unknown) {
  std::vector<std::int32_t> ids;
  MissingSymbols missing;
  for_each_code_point(text, 0, "the text to encode", [&](char32_t symbol) {
    if (const int id = vocabulary.find(symbol); id >= 0) {
      ids.push_back(id);
    } else {
      missing.add(symbol);
    }
    return true;
  });
  if (unknown == Unknown::refuse) missing.refuse(in_quotes(text));
  return ids;
}

std::string decode(const Vocabulary& vocabulary, std::span<const std::int32_t> ids) {
  std::string text;
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= vocabulary.size()) {
      throw Error(fmt::format("decode: index {} is outside the vocabulary, 0 to {}", id, vocabulary.size() - 1));
    }
    text += vocabulary.text(id);
  }
  return text;
}

}  // namespace unroll
