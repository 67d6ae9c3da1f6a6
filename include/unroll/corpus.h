#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace unroll {

/// The distinct symbols (Unicode code points) of a text with their counts, numbered from the most frequent to the
/// rarest, ties in code point order.
class Vocabulary {
 public:
  Vocabulary() = default;
  static Vocabulary of(std::u32string_view text);
  /// From a model file. Throws Error(bad_data) for no symbols, repeated symbols, values that are not code points,
  /// negative counts, or a number of counts that differs from the number of symbols.
  static Vocabulary from(std::vector<char32_t> symbols, std::vector<std::int64_t> counts);

  int size() const { return static_cast<int>(symbols_.size()); }
  char32_t symbol(int id) const { return symbols_[static_cast<std::size_t>(id)]; }
  std::int64_t count(int id) const { return counts_[static_cast<std::size_t>(id)]; }
  std::int64_t total() const { return total_; }  ///< sum of all counts
  int find(char32_t symbol) const;               ///< -1 if it is absent
  std::string text(int id) const;                ///< the symbol as UTF-8
  /// These symbols, followed by the symbols of `text` that are not among them, in its order; with the counts in `text`.
  Vocabulary extended_by(const Vocabulary& text) const;
  bool operator==(const Vocabulary& other) const { return symbols_ == other.symbols_ && counts_ == other.counts_; }

 private:
  std::vector<char32_t> symbols_;
  std::vector<std::int64_t> counts_;
  std::unordered_map<char32_t, std::int32_t> index_;
  std::int64_t total_ = 0;
};

/// Treatment of symbols that are not in a vocabulary.
enum class Unknown { refuse, skip };

/// Indices of the symbols of a UTF-8 text, unchanged: line ends and byte order marks are symbols like any other.
/// `refuse` throws Error(bad_data) that names the unknown symbols; `skip` leaves them out.
std::vector<std::int32_t> encode(const Vocabulary& vocabulary, std::string_view text,
                                 Unknown unknown = Unknown::refuse);
/// The symbols of the indices as UTF-8. Throws Error for an index outside the vocabulary.
std::string decode(const Vocabulary& vocabulary, std::span<const std::int32_t> ids);

/// Treatment of line ends.
enum class Newlines { keep, space };

struct CorpusOptions {
  Newlines newlines = Newlines::keep;  ///< space: every line end becomes one space, as in the textbook
  std::int64_t limit = 0;              ///< maximum number of symbols to read, CRLF counted as one; 0: no limit
};

/// A text as symbol indices, read from plain, gzip or zip files of UTF-8. A byte order mark is skipped; CRLF and CR
/// become LF.
class Corpus {
 public:
  Corpus() = default;
  /// `source`: a file, ARCHIVE.zip:MEMBER, or - for standard input. Throws Error: no_input for a missing file, bad_data
  /// for a damaged or ambiguous archive, an empty text or bytes that are not UTF-8 (with their offset).
  static Corpus read(const std::string& source, const CorpusOptions& options = {});
  /// Reads a text in the indices of a given vocabulary. `refuse` throws Error(bad_data) that names the unknown symbols;
  /// `skip` leaves them out and counts them.
  static Corpus read(const std::string& source, const CorpusOptions& options, const Vocabulary& vocabulary,
                     Unknown unknown);
  /// From UTF-8 text in memory; `name` is used in error messages.
  static Corpus from_text(std::string_view text, const CorpusOptions& options = {},
                          const std::string& name = "the text");
  /// From indices, for tests and synthetic data. Throws Error for an index outside the vocabulary.
  static Corpus from_ids(std::vector<std::int32_t> ids, Vocabulary vocabulary);

  const Vocabulary& vocabulary() const { return vocabulary_; }
  std::span<const std::int32_t> ids() const { return ids_; }
  std::int64_t size() const { return static_cast<std::int64_t>(ids_.size()); }
  std::int64_t skipped() const { return skipped_; }  ///< number of unknown symbols left out
  /// Symbols begin .. begin+count-1 as UTF-8. Throws Error if the corpus does not have them.
  std::string text(std::int64_t begin, std::int64_t count) const;

 private:
  Corpus(Vocabulary vocabulary, std::vector<std::int32_t> ids, std::int64_t skipped)
      : vocabulary_(std::move(vocabulary)), ids_(std::move(ids)), skipped_(skipped) {}

  Vocabulary vocabulary_;
  std::vector<std::int32_t> ids_;
  std::int64_t skipped_ = 0;
};

}  // namespace unroll
